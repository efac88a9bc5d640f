"""The connector to the database: its transactions, and connections that die."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.domain.errors import GraphConflict, GraphError, GraphUnavailable
from shared.graph.connection_trust import ConnectionTrust
from shared.graph.connector import Graph
from shared.graph.statements import Cypher, Sql, equals
from tests.support.aftermath import until
from tests.support.proxy import proxied_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.graph.connector import Rows
    from tests.support.database import Database
    from tests.support.proxy import Proxy

ONE = Cypher("RETURN 1")
CREATE = Cypher("CREATE (o:Organization {slug: $slug}) RETURN o.slug")
COUNT = Sql(f"""SELECT count(*)::text FROM {{graph}}."Organization" WHERE {equals("slug")}""")  # noqa: S608  # a bound value
MESSAGE = Cypher("CREATE (m:Message {id: $id}) RETURN m.id")


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Graph]:
    opened = Graph(database.dsn, database.graph_name, max_size=3)
    await opened.open()
    yield opened
    await opened.aclose()


async def count(graph: Graph, slug: str) -> int:
    [[(number,)]] = await graph.read(COUNT.bind(slug=slug))
    assert isinstance(number, int)
    return number


@pytest.mark.proves("turn.round-is-atomic")
async def test_a_transaction_is_whole_or_nothing(graph: Graph) -> None:
    def refuse(results: list[Rows]) -> None:
        assert results == [[("refused",)], [("refused",)]]
        raise LookupError

    with pytest.raises(LookupError):
        await graph.transaction(CREATE.bind(slug="refused"), CREATE.bind(slug="refused"), check=refuse)
    assert await count(graph, "refused") == 0
    with pytest.raises(GraphError):
        await graph.transaction(CREATE.bind(slug="half"), Sql("SELECT nonsense").bind())
    assert await count(graph, "half") == 0
    assert await graph.transaction(CREATE.bind(slug="whole")) == [[("whole",)]]
    assert await count(graph, "whole") == 1


@pytest.mark.proves("turn.round-is-atomic")
async def test_a_cancelled_transaction_leaves_nothing_and_blocks_no_other(graph: Graph) -> None:
    transaction = asyncio.create_task(
        graph.transaction(CREATE.bind(slug="cancelled"), Sql("SELECT pg_sleep(1)").bind())
    )
    done, _ = await asyncio.wait({transaction}, timeout=0.2)
    assert not done
    transaction.cancel()
    with pytest.raises(asyncio.CancelledError):
        await transaction
    assert await count(graph, "cancelled") == 0


@pytest.mark.proves("graph.schema")
async def test_a_second_vertex_with_a_unique_id_is_a_conflict(graph: Graph) -> None:
    await graph.write(MESSAGE.bind(id="only-once"))
    with pytest.raises(GraphConflict):
        await graph.write(MESSAGE.bind(id="only-once"))


@pytest.mark.proves("errors.unreachable-graph-is-503")
async def test_reading_survives_a_connection_that_died(database: Database) -> None:
    with proxied_database(database.dsn) as proxy:
        graph = Graph(proxy.url, database.graph_name)
        await graph.open()
        try:
            assert await graph.read(ONE.bind()) == [[(1,)]]
            proxy.kill()
            proxy.revive()
            assert await graph.read(ONE.bind()) == [[(1,)]]
        finally:
            await graph.aclose()


@pytest.mark.slow
@pytest.mark.proves("errors.unreachable-graph-is-503")
async def test_an_unreachable_database_is_reported_in_time(database: Database) -> None:
    with proxied_database(database.dsn) as proxy:
        graph = Graph(proxy.url, database.graph_name)
        await graph.open()
        try:
            await graph.read(ONE.bind())
            proxy.kill()
            async with asyncio.timeout(30):
                with pytest.raises(GraphUnavailable):
                    await graph.read(ONE.bind())
        finally:
            await graph.aclose()


@pytest.mark.slow
@pytest.mark.proves("load.stalled")
async def test_a_connection_that_hangs_takes_no_healthy_one_with_it(database: Database) -> None:
    with proxied_database(database.dsn) as proxy:
        graph = Graph(proxy.url, database.graph_name, min_size=0, max_size=3)
        await graph.open()
        try:
            await graph.read(ONE.bind())
            proxy.hang()
            proxy.revive()
            stalled = asyncio.create_task(graph.read(ONE.bind()))
            await asyncio.sleep(0)
            while not stalled.done():
                assert await graph.read(ONE.bind()) == [[(1,)]]
            with pytest.raises(GraphUnavailable):
                await stalled
            # The first connection, the healthy one, and the one that replaces the first.
            await until(lambda: connections_made(proxy) == 3)
            for _ in range(5):
                assert await graph.read(ONE.bind()) == [[(1,)]]
            assert connections_made(proxy) == 3
        finally:
            await graph.aclose()


def connections_made(proxy: Proxy) -> int:
    return sum("pg_backend_pid" in statement for trip in proxy.trips for statement in trip)


@pytest.mark.proves("load.stalled")
def test_connections_that_have_answered_since_are_trusted() -> None:
    trust: ConnectionTrust[object] = ConnectionTrust()
    times = iter((1.0, 3.0))
    trust.now = lambda: next(times)
    before, since = Connection(), Connection()
    trust.note_answer(before)
    assert trust.has(before)
    trust.note_answer(since)
    trust.withdraw(2.0)
    assert (trust.has(before), trust.has(since), trust.has(Connection())) == (False, True, False)


class Connection:
    """Something that can be trusted."""
