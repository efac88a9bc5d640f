"""Connections to an embedded database of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

if TYPE_CHECKING:
    from psycopg.rows import TupleRow

    Connection = psycopg.AsyncConnection[TupleRow]


async def connect(dsn: str) -> Connection:
    """Connect; every statement commits by itself."""
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True)


async def value(connection: Connection, query: LiteralString, *parameters: object) -> Any:
    """Return the first column of a query's first row, or None."""
    row = await (await connection.execute(query, parameters or None)).fetchone()
    return row[0] if row else None


CREATE_NOTE = """
    SELECT * FROM cypher('notes', $$ CREATE (n:Note {text: $text}) RETURN n.text $$, %s) AS (text agtype)
"""


async def pipeline(connection: Connection, *statements: LiteralString) -> None:
    """Run statements in one pipeline."""
    async with connection.pipeline():
        for statement in statements:
            await connection.execute(statement)
