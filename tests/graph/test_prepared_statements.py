"""Prepared statements: on direct connections, and never again after a session did not know one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.graph.connector import Graph
from shared.graph.statements import Sql, text_parameter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.graph.prepared_statements import Mode
    from shared.graph.statements import BoundStatement
    from tests.support.database import Database

pytestmark = pytest.mark.proves("graph.prepared-statements")

COUNT = Sql("SELECT count(*)::text FROM pg_prepared_statements WHERE strpos(statement, %(mark)s::jsonb #>> '{}') > 0")
FORGET = Sql(f"SELECT {{graph}}.forget_statements({text_parameter('mark')})::text")
CREATE_FORGET = """
    CREATE OR REPLACE FUNCTION "{graph}".forget_statements(mark text) RETURNS int LANGUAGE plpgsql AS $$
    DECLARE forgotten text; BEGIN
    FOR forgotten IN SELECT name FROM pg_prepared_statements WHERE strpos(statement, mark) > 0
    LOOP EXECUTE 'DEALLOCATE ' || quote_ident(forgotten); END LOOP; RETURN 0; END $$"""


@asynccontextmanager
async def graph_with(database: Database, mode: Mode) -> AsyncIterator[Graph]:
    graph = Graph(database.dsn, database.graph_name, max_size=1, prepared=mode)
    try:
        yield graph
    finally:
        await graph.aclose()


def marked() -> tuple[str, BoundStatement]:
    """Return a statement that writes, and a part of its text that no other statement has."""
    mark = f"prepared-{uuid4().hex}"
    properties = f"""'{{"slug": "{mark}"}}'::ag_catalog.agtype"""
    insert = f'INSERT INTO {{graph}}."Organization" (properties) VALUES ({properties}) RETURNING 1::text'  # noqa: S608  # our own text
    return mark, Sql(insert).bind()


async def prepared(graph: Graph, mark: str) -> int:
    [[(count,)]] = await graph.read(COUNT.bind(mark=mark))
    return int(str(count))


async def written(database: Database, mark: str) -> list[int]:
    return await database.cypher("MATCH (o:Organization) WHERE o.slug = $mark RETURN count(o)", mark=mark)


@pytest.mark.parametrize(("mode", "expected"), [("auto", 1), ("on", 1), ("off", 0)])
async def test_a_direct_connection_prepares_its_statements(database: Database, mode: Mode, expected: int) -> None:
    mark, insert = marked()
    async with graph_with(database, mode) as graph:
        await graph.write(insert)
        await graph.write(insert)
        assert await prepared(graph, mark) == expected
    assert await written(database, mark) == [2]


async def test_an_unknown_statement_is_sent_again_and_none_is_prepared_any_more(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    mark, insert = marked()
    async with database.connected() as connection:
        await connection.execute(CREATE_FORGET.replace("{graph}", database.graph_name).encode())
    async with graph_with(database, "on") as graph:
        await graph.write(insert)
        await graph.read(FORGET.bind(mark=mark))
        await graph.write(insert)
        await graph.transaction(insert, insert)
        assert await prepared(graph, mark) == 0
    assert await written(database, mark) == [4]
    assert caplog.text.count("Prepared statements are switched off") == 1


async def test_a_transaction_with_an_unknown_statement_runs_once_as_a_whole(database: Database) -> None:
    (mark, insert), (other_mark, other) = marked(), marked()
    async with database.connected() as connection:
        await connection.execute(CREATE_FORGET.replace("{graph}", database.graph_name).encode())
    async with graph_with(database, "on") as graph:
        await graph.transaction(insert, other)
        await graph.read(FORGET.bind(mark=other_mark))
        await graph.transaction(insert, other)
    assert await written(database, mark) == await written(database, other_mark) == [2]
