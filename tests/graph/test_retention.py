"""The sweeps of idle conversations: in batches, by one process at a time, by the service and by the command."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from shared.chat.retention import keep_sweeping
from shared.checks.sweeping import sweep
from shared.graph import leases
from shared.graph.connector import Graph
from shared.graph.retention import CONVERSATIONS_PER_BATCH, Retention
from shared.graph.schema import set_up
from shared.settings import load
from shared.util import clock
from tests.support.database import Database, new_graph_name
from tests.support.multitude import add_conversations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

IDLE = CONVERSATIONS_PER_BATCH + 3
COUNT = "MATCH (c:Conversation) RETURN count(c)"
SECONDS = 60


@pytest.fixture
async def own(database: Database) -> AsyncIterator[Database]:
    """Make a graph of the test's own with idle conversations, and one that has changed just now."""
    own = Database(database.dsn, new_graph_name())
    await set_up(own.dsn, own.graph_name)
    await add_conversations(own, "a@example.com", IDLE + 1, 2)
    old, now = (clock.to_text(moment) for moment in (datetime(2020, 1, 1, tzinfo=UTC), clock.now()))
    await own.cypher("MATCH (c:Conversation) SET c.updated_at = $old RETURN 1", old=old)
    [newest, *_] = await own.cypher("MATCH (c:Conversation) RETURN c.id")
    await own.cypher("MATCH (c:Conversation) WHERE c.id = $id SET c.updated_at = $now RETURN 1", id=newest, now=now)
    yield own
    await own.drop()


@pytest.fixture
async def graph(own: Database) -> AsyncIterator[Graph]:
    opened = Graph(own.dsn, own.graph_name)
    yield opened
    await opened.aclose()


@pytest.mark.proves("retention.sweep")
async def test_a_sweep_deletes_what_is_idle_and_nothing_else(own: Database, graph: Graph) -> None:
    retention = Retention(graph, pause_seconds=0)
    assert await retention.sweep(None) == 0
    assert await retention.sweep(clock.now() - timedelta(days=30)) == IDLE
    assert await own.cypher(COUNT) == [1]
    assert await own.cypher("MATCH (m:Message) RETURN count(m)") == [2]


@pytest.mark.proves("retention.one-process")
async def test_one_process_sweeps_at_a_time(own: Database, graph: Graph) -> None:
    other = {"id": "retention", "holder": "another process"}
    await graph.write(leases.ACQUIRE.bind(**other))
    assert await Retention(graph).sweep(clock.now()) is None
    assert await own.cypher(COUNT) == [IDLE + 1]
    await graph.write(leases.RELEASE.bind(**other))
    assert await Retention(graph, pause_seconds=0).sweep(clock.now() - timedelta(days=1)) == IDLE


@pytest.mark.proves("retention.sweep")
async def test_the_service_sweeps_while_it_runs(own: Database, graph: Graph) -> None:
    sweeping = asyncio.create_task(keep_sweeping(Retention(graph, pause_seconds=0), 30, interval_seconds=0.05))
    try:
        async with asyncio.timeout(SECONDS):
            while await own.cypher(COUNT) != [1]:  # noqa: ASYNC110  # the database tells nobody
                await asyncio.sleep(0.05)
    finally:
        sweeping.cancel()
        await asyncio.wait({sweeping})


@pytest.mark.proves("retention.sweep")
async def test_the_command_sweeps_once(own: Database) -> None:
    variables = {"POSTGRES_URL": own.dsn, "POSTGRES_GRAPH_NAME": own.graph_name, "IMBI_AUTH_JWT_SECRET": "s" * 32}
    lines: list[str] = []
    await sweep(load(variables), lines.append)
    assert await own.cypher(COUNT) == [IDLE + 1]
    await sweep(load(variables | {"IMBI_ASSISTANT_RETENTION_DAYS": "30"}), lines.append)
    assert await own.cypher(COUNT) == [1]
    assert lines[1] == f"{IDLE} conversations that were idle for 30 days were deleted."
