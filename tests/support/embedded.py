"""Connections to an embedded database of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from local.embedded import embedded_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from psycopg.rows import TupleRow

    Connection = psycopg.AsyncConnection[TupleRow]


@pytest.fixture(scope="module")
async def dsn(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[str]:  # noqa: ARG001  # an async fixture of a module needs the module's loop
    async with embedded_database(tmp_path_factory.mktemp("data"), report=print) as address:
        yield address


async def connect(dsn: str) -> Connection:
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True)


async def value(connection: Connection, query: LiteralString, *parameters: object) -> Any:
    row = await (await connection.execute(query, parameters or None)).fetchone()
    return row[0] if row else None


# What the database is


CREATE_NOTE = """
    SELECT * FROM cypher('notes', $$ CREATE (n:Note {text: $text}) RETURN n.text $$, %s) AS (text agtype)
"""


async def pipeline(connection: Connection, *statements: LiteralString) -> None:
    async with connection.pipeline():
        for statement in statements:
            await connection.execute(statement)
