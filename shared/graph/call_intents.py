"""The intents of tool calls: stored before the calls are sent, and removed when their results are stored.

An intent that is left over shows that a process ended while it made the call. A plain table of ours in the graph's
schema. It contains only calls that are running or were cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from shared.graph import audit, leases
from shared.graph.statements import Sql, property_of, text_parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from shared.domain.models import JsonObject, Lease
    from shared.graph.connector import Rows
    from shared.graph.statements import BoundStatement

TABLE = "imbi_assistant_call"
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        conversation_id text NOT NULL,
        question_id text NOT NULL,
        call_id text NOT NULL,
        record text NOT NULL,
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        found_at timestamptz,
        PRIMARY KEY (conversation_id, question_id, call_id)
    )""",
)

_LATE_SECONDS = 60
"""The time after the end of a lease in which its holder may still renew it and close the intents itself."""
_ID = text_parameter("id")
_HOLDER = text_parameter("holder")

FENCE = Sql(f"""
    WITH held AS (
        UPDATE {{graph}}.{leases.TABLE} SET expires_at = {leases.EXPIRY}
         WHERE conversation_id = {_ID} AND holder = {_HOLDER}
        RETURNING conversation_id
    ), intended AS (
        INSERT INTO {{graph}}.{TABLE} (conversation_id, question_id, call_id, record)
        SELECT held.conversation_id, intent.question_id, intent.call_id, intent.record
          FROM held, jsonb_to_recordset(%(intents)s::jsonb) AS intent (question_id text, call_id text, record text)
        ON CONFLICT (conversation_id, question_id, call_id) DO NOTHING
    )
    SELECT 'true' FROM held
""")  # noqa: S608  # constants
"""Renews a lease that nobody else has taken and stores intents, or does neither and returns no row.

The expiry does not matter: the row still names the holder only if no other answer has begun since.
"""
FIND = Sql(f"""
    SELECT to_jsonb(record)::text, to_jsonb(found_at IS NULL)::text FROM {{graph}}.{TABLE}
     WHERE conversation_id = {_ID} ORDER BY started_at, call_id FOR UPDATE
""")  # noqa: S608  # constants
_NOTE_FOUND = Sql(f"""
    UPDATE {{graph}}.{TABLE} SET found_at = clock_timestamp() WHERE conversation_id = {_ID} AND found_at IS NULL
    RETURNING 'true'
""")  # noqa: S608  # constants
_CLOSE = Sql(f"""
    DELETE FROM {{graph}}.{TABLE}
     WHERE conversation_id = {_ID}
       AND (question_id = {text_parameter("question_id")} OR (found_at IS NOT NULL AND (%(has_told)s)::text::boolean))
    RETURNING 'true'
""")  # noqa: S608  # constants
TAKE_LEASES = Sql(f"""
    DELETE FROM {{graph}}.{leases.TABLE} AS lease
     WHERE expires_at <= clock_timestamp() - interval '{_LATE_SECONDS} seconds'
       AND EXISTS (SELECT 1 FROM {{graph}}.{TABLE} AS call
                    WHERE call.conversation_id = lease.conversation_id AND call.found_at IS NULL)
    RETURNING 'true'
""")  # noqa: S608  # constants
"""Takes the leases of holders that are so late that their calls get their rows without them."""
ABANDONED = Sql(f"""
    SELECT to_jsonb(record)::text, to_jsonb(conversation_id)::text, to_jsonb(question_id)::text, to_jsonb(call_id)::text
      FROM {{graph}}.{TABLE} AS call
     WHERE found_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM {{graph}}.{leases.TABLE} AS lease
         WHERE lease.conversation_id = call.conversation_id)
     ORDER BY started_at LIMIT 1000
       FOR UPDATE SKIP LOCKED
""")  # noqa: S608  # constants
"""Finds the intents that no answer will close, because no answer holds a lease of their conversation."""
_NOTE_EACH = Sql(f"""
    UPDATE {{graph}}.{TABLE} AS call SET found_at = clock_timestamp()
      FROM jsonb_to_recordset(%(calls)s::jsonb) AS found (conversation_id text, question_id text, call_id text)
     WHERE call.conversation_id = found.conversation_id AND call.question_id = found.question_id
       AND call.call_id = found.call_id
    RETURNING 'true'
""")  # noqa: S608  # constants
FORGET = Sql(f"""
    DELETE FROM {{graph}}.{TABLE} AS call
     WHERE found_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM {{graph}}."Conversation"
         WHERE {property_of("id")} OPERATOR(ag_catalog.=) ('"' || call.conversation_id || '"')::ag_catalog.agtype)
    RETURNING 'true'
""")  # noqa: S608  # constants
"""Removes intents that have their audit rows and whose conversations are deleted, so nobody can be told of them."""
FORGET_READINGS = Sql(f"""
    DELETE FROM {{graph}}.{TABLE}
     WHERE found_at IS NOT NULL AND record::jsonb ->> 'effect' = 'read' AND record::jsonb ->> 'approval_id' IS NULL
    RETURNING 'true'
""")  # noqa: S608  # constants
"""Removes intents of calls that only read and have their audit rows: nobody has to be told of them.

Calls that were approved stay until the next turn, which answers their parked round.
"""


@dataclass(frozen=True, slots=True)
class Intent:
    """A call before it is sent; `record` is its audit record if nothing more becomes known about it."""

    question_id: str
    call_id: str
    record: JsonObject


def fence(lease: Lease, intents: Sequence[Intent]) -> BoundStatement:
    """Return the statement that renews a lease and stores intents, if nobody else has taken the lease."""
    rows: list[JsonValue] = [
        {"question_id": each.question_id, "call_id": each.call_id, "record": audit.encode(each.record)}
        for each in intents
    ]
    return FENCE.bind(**leases.values_of(lease), intents=rows)


def closed(conversation_id: str, question_id: str, *, has_told: bool) -> BoundStatement:
    """Return the statement that removes the intents of a question, and those that the model has been told of."""
    return _CLOSE.bind(id=conversation_id, question_id=question_id, has_told=has_told)


def records_of(rows: Rows) -> list[JsonObject]:
    """Return the records of the intents that `FIND` found."""
    return [orjson.loads(str(record)) for record, _ in rows]


def found(conversation_id: str, rows: Rows) -> list[BoundStatement]:
    """Return the statements that write the audit rows of intents that are found for the first time."""
    records = [orjson.loads(str(record)) for record, is_new in rows if is_new is True]
    return [_NOTE_FOUND.bind(id=conversation_id), *audit.appended(records)] if records else []


def abandoned(rows: Rows) -> list[BoundStatement]:
    """Return the statements that write the audit rows of the intents that `ABANDONED` found."""
    if not rows:
        return []
    keys: list[JsonValue] = [
        {"conversation_id": conversation, "question_id": question, "call_id": call}
        for _, conversation, question, call in rows
    ]
    return [_NOTE_EACH.bind(calls=keys), *audit.appended([orjson.loads(str(record)) for record, *_ in rows])]
