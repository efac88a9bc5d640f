"""The audit's chains: what was removed, changed, added or exchanged shows, and parallel writers never fork a chain."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shared.graph import audit
from shared.graph.audit_chains import AuditChains
from shared.graph.connector import Graph
from shared.graph.schema import set_up
from tests.support.audit_rows import query
from tests.support.database import Database, new_graph_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


EXCHANGE = """
    UPDATE {}.imbi_assistant_audit AS a SET record = b.record FROM {}.imbi_assistant_audit AS b
     WHERE a.position + b.position = 5
"""
REPEAT = """
    INSERT INTO {}.imbi_assistant_audit SELECT day, 6, hash, record FROM {}.imbi_assistant_audit WHERE position = 5
"""


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[tuple[Graph, Database]]:
    own = Database(database.dsn, new_graph_name())
    await set_up(own.dsn, own.graph_name)
    graph = Graph(own.dsn, own.graph_name, max_size=4)
    yield graph, own
    await graph.aclose()
    await own.drop()


async def append(graph: Graph, *names: str) -> None:
    records: list[Any] = [{"at": "2026-01-01", "user": "a@example.com", "tool": name} for name in names]
    await graph.transaction(last=lambda _results: audit.appended(records))


def today() -> date:
    return datetime.now(UTC).date()


async def problem(graph: Graph) -> str | None:
    [day] = await AuditChains(graph).days()
    return (await AuditChains(graph).verify(day)).problem


@pytest.mark.proves("audit.chained")
@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM {}.imbi_assistant_audit WHERE position = 1",
        "DELETE FROM {}.imbi_assistant_audit WHERE position = 3",
        "DELETE FROM {}.imbi_assistant_audit WHERE position = 5",
        "DELETE FROM {}.imbi_assistant_audit",
        "UPDATE {}.imbi_assistant_audit SET record = replace(record, 'two', 'too') WHERE position = 2",
        "UPDATE {}.imbi_assistant_audit SET hash = repeat('0', 64) WHERE position = 5",
        EXCHANGE,
        "UPDATE {}.imbi_assistant_audit SET position = CASE position WHEN 5 THEN 6 ELSE position END",
        REPEAT,
        "DELETE FROM {}.imbi_assistant_audit_day",
        "UPDATE {}.imbi_assistant_audit_day SET position = 4",
    ],
)
async def test_every_change_of_a_chain_shows(graph: tuple[Graph, Database], tampering: str) -> None:
    connected, own = graph
    await append(connected, "one", "two")
    await append(connected, "three", "four", "five")
    assert await problem(connected) is None
    await query(own, tampering)
    assert await problem(connected)


@pytest.mark.proves("audit.chained")
async def test_no_column_can_differ_from_its_record(graph: tuple[Graph, Database]) -> None:
    connected, own = graph
    await append(connected, "one")
    with pytest.raises(Exception, match="can only be updated to DEFAULT"):
        await query(own, "UPDATE {}.imbi_assistant_audit SET tool = 'other'")


@pytest.mark.proves("audit.not-forked")
async def test_parallel_writers_continue_one_chain(graph: tuple[Graph, Database]) -> None:
    connected, _ = graph
    await asyncio.gather(*(append(connected, *(f"{n}-{i}" for i in range(n % 3 + 1))) for n in range(30)))
    chain = await AuditChains(connected).verify(today())
    assert (chain.problem, chain.rows) == (None, 60)


@pytest.mark.proves("audit.pruned")
async def test_pruning_removes_whole_days(graph: tuple[Graph, Database]) -> None:
    connected, own = graph
    await append(connected, "one", "two")
    await query(own, "UPDATE {}.imbi_assistant_audit SET day = '2020-01-02'")
    await query(own, "UPDATE {}.imbi_assistant_audit_day SET day = '2020-01-02'")
    await append(connected, "three")
    chains = AuditChains(connected)
    assert await chains.prune(date(2020, 1, 2)) == 0
    assert await chains.prune(date(2020, 1, 3)) == 1
    assert await chains.days() == [today()]
    assert (await chains.verify(today())).problem is None
