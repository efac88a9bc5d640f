"""The ends of the audit's chains: for each UTC day the number of its rows and the hash of the last one.

The row of a day is locked while rows are appended, so that two writers cannot continue the chain at the same place.
"""

from __future__ import annotations

from shared.graph.statements import Sql

TABLE = "imbi_assistant_audit_day"
RIGHTS = ("INSERT", "UPDATE")
"""The rights that the service needs on the table, besides SELECT."""
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        day date PRIMARY KEY,
        position bigint NOT NULL,
        hash text NOT NULL
    )""",
)

TODAY = "(now() AT TIME ZONE 'UTC')::date"
"""The UTC day in which the transaction began."""
BEGINNING = "imbi_assistant_audit "
"""The first hash of a day is the one of this text and the day, such as 2026-11-26."""

LOCK = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} AS head (day, position, hash)
    VALUES ({TODAY}, 0, encode(sha256(convert_to('{BEGINNING}' || to_char({TODAY}, 'YYYY-MM-DD'), 'UTF8')), 'hex'))
    ON CONFLICT (day) DO UPDATE SET position = head.position
    RETURNING 'true'
""")  # noqa: S608  # constants
