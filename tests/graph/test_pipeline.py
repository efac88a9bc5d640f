"""Statements in one round trip: their names on direct connections, their errors, and large values."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.domain.errors import GraphError
from shared.graph.connector import Graph
from shared.graph.statements import Cypher, Sql, text_parameter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.database import Database

pytestmark = pytest.mark.proves("graph.prepared-statements")

BACKEND = Sql("SELECT pg_backend_pid()::text")
COUNT = Sql(f"""SELECT count(*)::text FROM pg_prepared_statements
                 WHERE strpos(statement, {text_parameter("mark")}) > 0""")  # noqa: S608  # values are bound
ECHO = Sql("SELECT %(second)s::text, %(first)s::text, %(second)s::text, (7 % 4)::text")
MOST_NAMES = 200


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Graph]:
    opened = Graph(database.dsn, database.graph_name, max_size=1, prepared="on")
    yield opened
    await opened.aclose()


def marked(mark: str, text: str) -> Sql:
    """Return a statement whose text no other test has."""
    return Sql(f"SELECT {text} /* {mark} */")  # our own text


async def prepared(graph: Graph, mark: str) -> object:
    [[(count,)]] = await graph.read(COUNT.bind(mark=mark))
    return count


async def test_a_new_statement_that_occurs_twice_is_prepared_once(graph: Graph) -> None:
    mark = uuid4().hex
    new = marked(mark, "1::text").bind()
    assert await graph.transaction(new, new) == [[(1,)], [(1,)]]
    assert await prepared(graph, mark) == 1


async def test_a_failed_statement_can_be_sent_again_on_the_same_connection(graph: Graph, database: Database) -> None:
    mark = uuid4().hex
    fails, unreached = marked(mark, f"a FROM {{graph}}.table_{mark}").bind(), marked(mark, "2::text").bind()
    before = await graph.read(BACKEND.bind())
    for _ in range(2):
        with pytest.raises(GraphError, match="42P01"):
            await graph.transaction(fails, unreached)
    async with database.connected() as connection:
        await connection.execute(f'CREATE TABLE "{database.graph_name}".table_{mark} (a text)'.encode())
    assert await graph.transaction(fails, unreached) == [[], [(2,)]]
    assert await graph.read(BACKEND.bind()) == before
    assert await prepared(graph, mark) == 2


async def test_values_keep_their_places_whatever_their_size(graph: Graph) -> None:
    texts = [f"{number}: $1 %s 'é' {{graph}}" * 20_000 for number in range(5)]
    found = await graph.read(*(ECHO.bind(first=each, second=None) for each in texts))
    assert found == [[(None, each, None, 3)] for each in texts]


async def test_values_of_cypher_arrive(graph: Graph) -> None:
    assert await graph.read(Cypher("RETURN $a", ("a",)).bind(a="50 %s")) == [[("50 %s",)]]


async def test_a_connection_prepares_a_bounded_number_of_statements(graph: Graph) -> None:
    mark = uuid4().hex
    numbers = range(MOST_NAMES + 5)
    found = await graph.read(*(marked(mark, f"{number}::text").bind() for number in numbers))
    assert found == [[(number,)] for number in numbers]
    assert await prepared(graph, mark) == MOST_NAMES
