"""The audit: one row for each tool call, append-only, and chained by hashes within each UTC day.

A row's hash covers the hash before it and the row's record, a JSON text. The other columns are generated from the
record, so they cannot differ from it. A plain table of ours in the graph's schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from shared.graph import audit_days, audit_texts
from shared.graph.statements import Sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.graph.statements import BoundStatement

TABLE = "imbi_assistant_audit"
RIGHTS = ("INSERT",)
"""The rights that the service needs on the table, besides SELECT."""


def _column(name: str, member: str) -> str:
    return f"{name} text GENERATED ALWAYS AS ((record::jsonb) ->> '{member}') STORED"


CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        day date NOT NULL,
        position bigint NOT NULL,
        hash text NOT NULL,
        record text NOT NULL,
        {_column("at", "at")},
        {_column("user_email", "user")},
        {_column("conversation_id", "conversation_id")},
        {_column("tool", "tool")},
        {_column("source", "source")},
        {_column("status", "status")},
        PRIMARY KEY (day, position),
        UNIQUE (user_email, day, position),
        UNIQUE (conversation_id, day, position)
    )""",
)

_APPEND = Sql(f"""
    WITH RECURSIVE entries AS (
        SELECT number, record
          FROM jsonb_array_elements_text(%(records)s::jsonb) WITH ORDINALITY AS entry (record, number)
    ), chain AS (
        SELECT day, position, hash, 0::bigint AS number, NULL::text AS record
          FROM {{graph}}.{audit_days.TABLE} WHERE day = {audit_days.TODAY}
        UNION ALL
        SELECT chain.day, chain.position + 1,
               encode(sha256(convert_to(chain.hash || entries.record, 'UTF8')), 'hex'),
               entries.number, entries.record
          FROM chain JOIN entries ON entries.number = chain.number + 1
    ), moved AS (
        UPDATE {{graph}}.{audit_days.TABLE} AS head SET position = last.position, hash = last.hash
          FROM (SELECT day, position, hash FROM chain ORDER BY number DESC LIMIT 1) AS last
         WHERE head.day = last.day
    )
    INSERT INTO {{graph}}.{TABLE} (day, position, hash, record)
    SELECT day, position, hash, record FROM chain WHERE number > 0
    RETURNING 'true'
""")  # noqa: S608  # constants


def encode(record: JsonObject) -> str:
    """Return a record as the JSON text that is stored and hashed."""
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()


def appended(records: Sequence[JsonObject]) -> list[BoundStatement]:
    """Return the statements that append rows; they must be the last ones of their transaction.

    One of them locks the day for all other writers until the transaction ends.
    """
    if not records:
        return []
    chained, texts = audit_texts.separated(records)
    stored: list[JsonValue] = [*texts]
    return [
        *([audit_texts.STORE.bind(texts=stored)] if stored else []),
        audit_days.LOCK.bind(),
        _APPEND.bind(records=[encode(record) for record in chained]),
    ]
