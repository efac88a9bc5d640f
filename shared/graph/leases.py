"""Who may write to a conversation: a lease with an expiry, in a plain table of ours inside the graph's schema.

A lease is not a lock of a session: its holder may die, and the embedded database has one session for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from shared.graph.statements import Sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.graph.age import Graph

LIFETIME_SECONDS = 15
"""How long a dead holder keeps others from a conversation."""

TABLE = "imbi_assistant_lease"
CREATE_TABLE = """
    CREATE TABLE IF NOT EXISTS {graph}.imbi_assistant_lease (
        conversation_id text PRIMARY KEY,
        holder text NOT NULL,
        expires_at timestamptz NOT NULL,
        stop_requested boolean NOT NULL DEFAULT false
    )"""

_EXPIRY = f"clock_timestamp() + interval '{LIFETIME_SECONDS} seconds'"
_ID = "(%(id)s::jsonb #>> '{}')"
_HOLDER = "(%(holder)s::jsonb #>> '{}')"

# Values reach these statements as JSON texts, as they reach all others.
ACQUIRE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} AS lease (conversation_id, holder, expires_at)
    VALUES ({_ID}, {_HOLDER}, {_EXPIRY})
    ON CONFLICT (conversation_id) DO UPDATE
       SET holder = excluded.holder, expires_at = excluded.expires_at, stop_requested = false
     WHERE lease.expires_at < clock_timestamp()
    RETURNING 'true'
""")  # noqa: S608  # constants
HOLD = Sql(f"""
    UPDATE {{graph}}.{TABLE} SET expires_at = {_EXPIRY}
     WHERE conversation_id = {_ID} AND holder = {_HOLDER}
    RETURNING 'true'
""")  # noqa: S608  # constants
RELEASE = Sql(f"DELETE FROM {{graph}}.{TABLE} WHERE conversation_id = {_ID} AND holder = {_HOLDER} RETURNING 'true'")  # noqa: S608  # constants
REVOKE = Sql(f"DELETE FROM {{graph}}.{TABLE} WHERE conversation_id = {_ID} RETURNING 'true'")  # noqa: S608  # constants
_REQUEST_STOP = Sql(f"""
    UPDATE {{graph}}.{TABLE} SET stop_requested = true
     WHERE conversation_id = {_ID} AND expires_at > clock_timestamp()
    RETURNING 'true'
""")  # noqa: S608  # constants
_RENEW = Sql(f"""
    UPDATE {{graph}}.{TABLE} AS lease SET expires_at = {_EXPIRY}
      FROM jsonb_each_text(%(held)s::jsonb) AS held (conversation_id, holder)
     WHERE lease.conversation_id = held.conversation_id AND lease.holder = held.holder
    RETURNING to_jsonb(lease.conversation_id)::text, to_jsonb(lease.stop_requested)::text
""")  # noqa: S608  # constants


class Leases:
    """The leases of all processes; acquiring and releasing are parts of the conversations' transactions."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def renew(self, held: Mapping[UUID, UUID]) -> dict[UUID, bool]:
        """Renew leases, given as conversation and holder, in one statement; those that are lost are missing.

        Says of each conversation whether its answer is to stop.
        """
        rows = await self._graph.write(_RENEW.bind(held={str(each): str(holder) for each, holder in held.items()}))
        return {UUID(str(conversation_id)): stop is True for conversation_id, stop in rows}

    async def request_stop(self, conversation_id: UUID) -> bool:
        """Ask whoever answers a conversation to stop; says whether anybody does answer it."""
        return bool(await self._graph.write(_REQUEST_STOP.bind(id=str(conversation_id))))

    async def release(self, conversation_id: UUID, holder: UUID) -> None:
        """Give a lease back."""
        await self._graph.write(RELEASE.bind(id=str(conversation_id), holder=str(holder)))
