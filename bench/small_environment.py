"""A process with the database connection of a Lambda environment, which does the database's work of some messages."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from shared.domain.errors import GraphError
from shared.domain.models import Conversation, Lease, Message
from shared.graph.connector import Graph
from shared.graph.conversations import Conversations
from shared.graph.statements import Sql
from shared.graph.turns import Asking, Ending, Turns

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

MESSAGES = 3
"""The messages of each environment."""
_ROUND_TRIPS = 4
"""The transactions of one message, without the lookup of the user."""
_NOTHING = Sql("SELECT 'true'").bind()
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Done(NamedTuple):
    """The seconds that the transactions of one message took on average, those of the floor, and the failures."""

    seconds: float
    floor_seconds: float
    failures: int


def run(dsn: str, graph_name: str, email: str, start: Barrier, done: Queue[Done]) -> None:
    """Connect, wait for the other environments, work, and say how long it took."""
    done.put(asyncio.run(_work(dsn, graph_name, email, start)))


async def _work(dsn: str, graph_name: str, email: str, start: Barrier) -> Done:
    graph = Graph(dsn, graph_name, max_size=1)
    failures = 0
    try:
        await graph.read(_NOTHING)
        start.wait()
        began = time.perf_counter()
        for _ in range(MESSAGES * _ROUND_TRIPS):
            await graph.transaction(_NOTHING)
        middle = time.perf_counter()
        for _ in range(MESSAGES):
            try:
                await _message(graph, email)
            except GraphError:
                failures += 1
        ended = time.perf_counter()
    finally:
        await graph.aclose()
    return Done((ended - middle) / MESSAGES, (middle - began) / MESSAGES, failures)


async def _message(graph: Graph, email: str) -> None:
    conversation = Conversation(uuid4(), email, None, _NOW, _NOW, "claude-sonnet-4-6")
    await Conversations(graph).create(conversation)
    lease, turns = Lease(conversation.id, uuid4()), Turns(graph)
    question = Message(id=uuid4(), role="user", content="Which projects are late?", created_at=_NOW)
    answer = Message(id=uuid4(), role="assistant", content="None is. " * 20, created_at=_NOW)
    await turns.begin(lease, email, question, Asking("", None, 10))
    await turns.append(lease, email, [answer])
    await turns.finish(lease, email, [], Ending(question.id, "{}"))
