"""The repositories through a real PgBouncer in transaction mode, which gives each transaction another session."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.domain.models import Conversation, Lease, Message
from shared.graph.connector import Graph
from shared.graph.conversations import Conversations
from shared.graph.principals import Principals
from shared.graph.schema import set_up
from shared.graph.turns import Asking, Ending, Turns
from tests.support import pgbouncer
from tests.support.database import Database, new_graph_name

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.proves("graph.no-session-state"),
    pytest.mark.skipif(pgbouncer.PROGRAM is None, reason="PgBouncer is not installed"),
]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENVIRONMENTS = 100
SERVERS = """
    SELECT count(*)::text FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend'"""

LOCKS = """
    SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
     WHERE locktype = 'advisory' AND datname = current_database()"""


@pytest.fixture(scope="module")
def pooled(database: Database) -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as directory, pgbouncer.pgbouncer(database.dsn, Path(directory)) as dsn:
        yield Database(dsn, database.graph_name)


async def use_everything(graph: Graph, email: str) -> None:
    """Do what the routes do with a conversation."""
    subject = await Principals(graph).find(email, "no token")
    assert subject.principal is not None
    conversations, turns = Conversations(graph), Turns(graph)
    created = await conversations.create(Conversation(uuid4(), email, None, NOW, NOW, "claude-sonnet-4-6"))
    for _ in range(2):
        lease = Lease(created.id, uuid4())
        question = message("user")
        await turns.begin(lease, email, question, Asking("", None, 10))
        await turns.append(lease, email, [message("assistant"), message("assistant")])
        await turns.finish(lease, email, [message("assistant")], Ending(question.id, "{}"))
    _, messages = await conversations.get(created.id, email)
    assert [each.sequence for each in messages] == list(range(8))
    await conversations.update(created.id, email, title="Renamed")
    await conversations.delete(created.id, email)


def message(role: str) -> Message:
    return Message(id=uuid4(), role="user" if role == "user" else "assistant", content="Hi", created_at=NOW)


async def use_as_environment(pooled: Database, email: str) -> None:
    graph = Graph(pooled.dsn, pooled.graph_name, min_size=0, max_size=1)
    try:
        await use_everything(graph, email)
    finally:
        await graph.aclose()


async def test_a_pooler_is_noticed_and_nothing_fails(pooled: Database, database: Database) -> None:
    email = await database.add_user()
    async with AsyncExitStack() as stack:
        graph = Graph(pooled.dsn, pooled.graph_name, max_size=4)
        stack.push_async_callback(graph.aclose)
        await asyncio.gather(*(use_everything(graph, email) for _ in range(6)))


async def test_set_up_works_through_a_pooler_and_leaves_no_lock(pooled: Database, database: Database) -> None:
    if "sslmode=disable" in database.dsn:
        pytest.skip("the embedded database has one session, which the lock would hold")
    fresh = Database(pooled.dsn, new_graph_name())
    try:
        for _ in range(2):
            async with asyncio.timeout(50):
                await asyncio.gather(*(set_up(fresh.dsn, fresh.graph_name) for _ in range(2)))
        async with database.connected() as connection:
            assert await (await connection.execute(LOCKS)).fetchall() == []
    finally:
        await Database(database.dsn, fresh.graph_name).drop()


@pytest.mark.slow
async def test_a_hundred_environments_share_twenty_connections(pooled: Database, database: Database) -> None:
    email = await database.add_user()
    running = asyncio.gather(*(use_as_environment(pooled, email) for _ in range(ENVIRONMENTS)))
    most = 0
    async with database.connected() as connection:
        while not running.done():
            row = await (await connection.execute(SERVERS)).fetchone()
            most = max(most, int(row[0] or 0) if row else 0)
            await asyncio.sleep(0.05)
    await running
    assert most <= pgbouncer.SERVER_CONNECTIONS + 5, "the connections of the tests' own service and of this test"
