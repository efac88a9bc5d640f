"""The frames of running answers, so that a client can join an answer again from any process.

An unlogged table: its rows are written quickly and are lost if the database crashes. They are kept for ten minutes
after an answer has ended. What an answer said is stored in its messages.
https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-UNLOGGED
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.graph import leases
from shared.graph.admission import Priority
from shared.graph.statements import Sql, property_of, text_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.graph.connector import Graph

KEPT_MINUTES = 10
TAG_LENGTH = 8
"""The number of characters of an answer's id that the ids of its events begin with."""
MOST_ROWS = 500
"""The most rows that one reading returns."""
_MOST_PRUNED = 100

TABLE = "imbi_assistant_frame"
CREATE_TABLE = (
    f"""
    CREATE UNLOGGED TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        answer text NOT NULL,
        conversation_id text NOT NULL,
        first bigint NOT NULL,
        last bigint NOT NULL,
        frames text NOT NULL,
        is_last boolean NOT NULL,
        stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (answer, last)
    )""",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_conversation ON {{graph}}.{TABLE} (conversation_id)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_stored_at ON {{graph}}.{TABLE} (stored_at)",
)

_OLD = f"clock_timestamp() - interval '{KEPT_MINUTES} minutes'"
_ID = text_parameter("id")

STORE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} (answer, conversation_id, first, last, frames, is_last)
    SELECT answer, conversation_id, first, last, frames, is_last
      FROM jsonb_to_recordset(%(rows)s::jsonb)
           AS row (answer text, conversation_id text, first bigint, last bigint, frames text, is_last boolean)
     WHERE EXISTS (
        SELECT 1 FROM {{graph}}."Conversation"
         WHERE {property_of("id")} OPERATOR(ag_catalog.=) ('"' || row.conversation_id || '"')::ag_catalog.agtype
           AND {property_of("user_email")} IS NOT NULL)
    ON CONFLICT (answer, last) DO NOTHING
    RETURNING 'true'
""")  # noqa: S608  # constants
"""Stores frames of conversations that have an owner: an answer may run a little longer than its conversation."""
REMOVE_ORPHANS = Sql(f"""
    DELETE FROM {{graph}}.{TABLE} AS frame
     WHERE NOT EXISTS (
        SELECT 1 FROM {{graph}}."Conversation"
         WHERE {property_of("id")} OPERATOR(ag_catalog.=) ('"' || frame.conversation_id || '"')::ag_catalog.agtype)
    RETURNING 'true'
""")  # noqa: S608  # constants
"""Removes frames that were written while their conversation was deleted."""
HELD = Sql(f"""
    SELECT to_jsonb(lease.holder)::text
      FROM jsonb_each(%(places)s::jsonb) AS wanted (key, value)
      JOIN {{graph}}.{leases.TABLE} AS lease ON lease.conversation_id = wanted.value ->> 'conversation'
     WHERE lease.expires_at > clock_timestamp()
""")  # noqa: S608  # constants
READ = Sql(f"""
    SELECT to_jsonb(wanted.key)::text, to_jsonb(frame.first)::text, to_jsonb(frame.last)::text,
           to_jsonb(frame.frames)::text, to_jsonb(frame.is_last)::text
      FROM jsonb_each(%(places)s::jsonb) AS wanted (key, value)
     CROSS JOIN LATERAL (
               SELECT first, last, frames, is_last FROM {{graph}}.{TABLE}
                WHERE answer = wanted.value ->> 'answer' AND last > (wanted.value ->> 'after')::bigint
                ORDER BY last LIMIT {MOST_ROWS}) AS frame
     ORDER BY wanted.key, frame.last
     LIMIT {MOST_ROWS}
""")  # noqa: S608  # constants
RUNNING = Sql(f"""
    SELECT to_jsonb(holder)::text FROM {{graph}}.{leases.TABLE}
     WHERE conversation_id = {_ID} AND expires_at > clock_timestamp()
""")  # noqa: S608  # constants
FIND = Sql(f"""
    SELECT to_jsonb(answer)::text, to_jsonb(max(last))::text, to_jsonb(bool_or(is_last))::text
      FROM {{graph}}.{TABLE}
     WHERE conversation_id = {_ID} AND left(answer, {TAG_LENGTH}) = {text_parameter("tag")}
     GROUP BY answer LIMIT 1
""")  # noqa: S608  # constants
PRUNE = Sql(f"""
    DELETE FROM {{graph}}.{TABLE} WHERE answer = ANY (ARRAY(
        SELECT old.answer
          FROM (SELECT DISTINCT answer, conversation_id FROM (
                   SELECT answer, conversation_id FROM {{graph}}.{TABLE} WHERE stored_at < {_OLD}
                    ORDER BY stored_at LIMIT {MOST_ROWS}) AS row) AS old
         WHERE (SELECT newest.stored_at FROM {{graph}}.{TABLE} AS newest
                 WHERE newest.answer = old.answer ORDER BY newest.last DESC LIMIT 1) < {_OLD}
           AND NOT EXISTS (SELECT 1 FROM {{graph}}.{leases.TABLE} AS lease
                            WHERE lease.conversation_id = old.conversation_id AND lease.holder = old.answer)
         LIMIT {_MOST_PRUNED}))
    RETURNING 'true'
""")  # noqa: S608  # constants
DELETE_OF_CONVERSATION = Sql(f"DELETE FROM {{graph}}.{TABLE} WHERE conversation_id = {_ID} RETURNING 'true'")  # noqa: S608  # constants


@dataclass(frozen=True, slots=True)
class FrameRow:
    """Consecutive frames of an answer; `is_last` says that no more follow."""

    first: int
    last: int
    frames: str
    is_last: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an answer: the number of the last frame that a reader has."""

    answer: str
    conversation_id: UUID
    after: int


class Frames:
    """The frames of all answers. Every method raises GraphUnavailable if the database cannot be reached in time."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def store(self, rows: Sequence[JsonObject]) -> None:
        """Store rows of frames; a row that is stored already stays as it is."""
        await self._graph.write(STORE.bind(rows=[*rows]), priority=Priority.STORING)

    async def read(self, places: Mapping[str, Place]) -> tuple[frozenset[str], dict[str, list[FrameRow]], bool]:
        """Return the answers that hold their lease, the frames after each place, and whether there may be more."""
        wanted: dict[str, JsonValue] = {
            key: {"answer": place.answer, "conversation": str(place.conversation_id), "after": place.after}
            for key, place in places.items()
        }
        # The leases come first: when a lease is gone, all frames that were stored before are in the result.
        holders, rows = await self._graph.read(
            HELD.bind(places=wanted), READ.bind(places=wanted), priority=Priority.STORING
        )
        found: dict[str, list[FrameRow]] = {}
        for key, first, last, frames, is_last in rows:
            row = FrameRow(int(str(first)), int(str(last)), str(frames), is_last is True)
            found.setdefault(str(key), []).append(row)
        return frozenset(str(holder) for (holder,) in holders), found, len(rows) >= MOST_ROWS

    async def find(self, conversation_id: UUID, tag: str) -> tuple[str | None, tuple[str, int, bool] | None]:
        """Return the running answer of a conversation, and the answer with a tag, its last row, and if it has ended."""
        running, found = await self._graph.read(
            RUNNING.bind(id=str(conversation_id)), FIND.bind(id=str(conversation_id), tag=tag)
        )
        answer = (str(found[0][0]), int(str(found[0][1])), found[0][2] is True) if found else None
        return (str(running[0][0]) if running else None), answer

    async def prune(self) -> None:
        """Delete the frames of some answers that have ended more than ten minutes ago."""
        await self._graph.write(PRUNE.bind())
