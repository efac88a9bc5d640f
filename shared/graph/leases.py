"""Leases: the right to write to a conversation, with an expiry, in an ordinary table inside the graph's schema.

A lease is a row instead of a PostgreSQL advisory lock, because a process may be killed while it holds the lease, and
because all connections to the embedded database share one session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from shared.graph.admission import Priority
from shared.graph.statements import Sql, equals, property_of, text_parameter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

    from shared.domain.models import JsonObject, Lease
    from shared.graph.connector import Graph

LIFETIME_SECONDS = 4
"""The time after its last renewal in which nobody else can take a lease.

The conversation of a killed process is free after this time. A holder that was only late renews its expired lease if
nobody has taken it.
"""

TABLE = "imbi_assistant_lease"
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        conversation_id text PRIMARY KEY,
        holder text NOT NULL,
        expires_at timestamptz NOT NULL,
        stop_requested boolean NOT NULL DEFAULT false
    )""",
)

EXPIRY = f"clock_timestamp() + interval '{LIFETIME_SECONDS} seconds'"
_ID = text_parameter("id")
_HOLDER = text_parameter("holder")

ACQUIRE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} AS lease (conversation_id, holder, expires_at)
    VALUES ({_ID}, {_HOLDER}, {EXPIRY})
    ON CONFLICT (conversation_id) DO UPDATE
       SET holder = excluded.holder, expires_at = excluded.expires_at, stop_requested = false
     WHERE lease.expires_at < clock_timestamp()
    RETURNING 'true'
""")  # noqa: S608  # constants
HOLD = Sql(f"""
    UPDATE {{graph}}.{TABLE} SET expires_at = {EXPIRY}
     WHERE conversation_id = {_ID} AND holder = {_HOLDER}
    RETURNING 'true'
""")  # noqa: S608  # constants
RELEASE = Sql(f"DELETE FROM {{graph}}.{TABLE} WHERE conversation_id = {_ID} AND holder = {_HOLDER} RETURNING 'true'")  # noqa: S608  # constants
DELETE_OF_CONVERSATION = Sql(f"DELETE FROM {{graph}}.{TABLE} WHERE conversation_id = {_ID} RETURNING 'true'")  # noqa: S608  # constants
_REQUEST_STOP = Sql(f"""
    UPDATE {{graph}}.{TABLE} SET stop_requested = true
     WHERE conversation_id = {_ID} AND expires_at > clock_timestamp()
    RETURNING 'true'
""")  # noqa: S608  # constants
RUNNING = Sql(f"""
    SELECT to_jsonb(conversation_id)::text FROM {{graph}}.{TABLE}
     WHERE conversation_id = ANY (ARRAY(SELECT jsonb_array_elements_text(%(ids)s::jsonb)))
       AND expires_at > clock_timestamp()
""")  # noqa: S608  # constants
STOP_ALL_OF = Sql(f"""
    UPDATE {{graph}}.{TABLE} AS lease SET stop_requested = true
     WHERE expires_at > clock_timestamp() AND EXISTS (
        SELECT 1 FROM {{graph}}."Conversation"
         WHERE {property_of("id")} OPERATOR(ag_catalog.=) ('"' || lease.conversation_id || '"')::ag_catalog.agtype
           AND {equals("user_email", "email")})
    RETURNING 'true'
""")  # noqa: S608  # constants
"""Requests the stop of a user's running answers, and returns a row for each."""
_RENEW = Sql(f"""
    UPDATE {{graph}}.{TABLE} AS lease SET expires_at = {EXPIRY}
      FROM jsonb_each_text(%(held)s::jsonb) AS held (conversation_id, holder)
     WHERE lease.conversation_id = held.conversation_id AND lease.holder = held.holder
    RETURNING to_jsonb(lease.conversation_id)::text, to_jsonb(lease.stop_requested)::text
""")  # noqa: S608  # constants


class Leases:
    """The leases of all processes. `Turns` acquires and releases them within its transactions.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def renew(self, held: Iterable[Lease]) -> dict[UUID, bool]:
        """Renew leases in one statement and return, by conversation, whether a stop of its answer was requested.

        A lease that was lost is missing from the result.
        """
        holders: JsonObject = {str(lease.conversation_id): str(lease.holder) for lease in held}
        rows = await self._graph.write(_RENEW.bind(held=holders), priority=Priority.UPKEEP)
        return {UUID(str(conversation_id)): stop is True for conversation_id, stop in rows}

    async def request_stop(self, conversation_id: UUID) -> bool:
        """Request the stop of the answer that holds the lease; return whether there is one."""
        request = _REQUEST_STOP.bind(id=str(conversation_id))
        return bool(await self._graph.write(request, priority=Priority.UPKEEP))

    async def release(self, lease: Lease) -> None:
        """Release a lease; do nothing if another answer holds it."""
        await self._graph.write(RELEASE.bind(**values_of(lease)), priority=Priority.UPKEEP)


def values_of(lease: Lease) -> dict[str, JsonValue]:
    """Return a lease as the parameters of a statement."""
    return {"id": str(lease.conversation_id), "holder": str(lease.holder)}
