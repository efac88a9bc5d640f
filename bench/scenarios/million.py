"""The database work of each kind of request, in a graph with very many conversations, and paging through 5,000."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from bench.figures import Figure, Goal, percentile
from bench.million import COLLECTED, COLLECTOR, fill, is_filled
from shared.domain.models import Conversation, Lease, Message
from shared.graph.connector import Graph
from shared.graph.conversations import Conversations
from shared.graph.principals import Principals
from shared.graph.schema import set_up
from shared.graph.statements import Sql
from shared.graph.turns import Asking, Ending, Turns
from tests.support.database import Database, new_graph_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.environment import Bench
    from shared.domain.paging import PageKey

_NOTHING = Sql("SELECT 'true'").bind()
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_PAGE = 20
_PAGING = Goal(1.3)


async def measure(bench: Bench) -> list[Figure]:
    """Fill a graph of its own, measure, and drop it; a graph that is kept is filled by the first run only."""
    count = 10_000 if bench.is_quick or bench.is_embedded else 1_000_000
    name = f"bench_{count}" if bench.keeps_graphs else new_graph_name()
    graph = Database(bench.database.dsn, name)
    await set_up(graph.dsn, graph.graph_name)
    try:
        if not await is_filled(graph):
            await graph.drop()  # an interrupted run may have filled a part of it
            await set_up(graph.dsn, graph.graph_name)
            await fill(graph, count)
        return await measured(graph, count, 20 if bench.is_quick else 200)
    finally:
        if not bench.keeps_graphs:
            await graph.drop()


async def measured(database: Database, count: int, repetitions: int) -> list[Figure]:
    """Measure a graph that has been filled; the floor is the same number of round trips that do nothing."""
    graph = Graph(database.dsn, database.graph_name, max_size=1)
    try:
        return await _Measurement(graph, count, repetitions).figures()
    finally:
        await graph.aclose()


class _Measurement:
    def __init__(self, graph: Graph, count: int, repetitions: int) -> None:
        self._graph = graph
        self._count = count
        self._repetitions = repetitions
        self._created: list[Conversation] = []

    async def figures(self) -> list[Figure]:
        read = await self._median(lambda: self._graph.read(_NOTHING))
        transaction = await self._median(lambda: self._graph.transaction(_NOTHING))
        last_key = await self._last_key()
        first, last = await self._medians(lambda: self._page(None), lambda: self._page(last_key))
        kinds: dict[str, tuple[Callable[[], Awaitable[object]], float]] = {
            "find the user": (lambda: Principals(self._graph).find(COLLECTOR, "none"), read),
            "create a conversation": (self._create, read),
            "an answer of one round": (self._answer, 3 * transaction),
            "delete a conversation": (self._delete, transaction + 3 * read),
            "the last page of 5,000, by offset": (lambda: self._page(None, COLLECTED - _PAGE), 2 * read),
        }
        found = [
            self._figure("the first page of 5,000", first, 2 * read),
            self._figure("the last page of 5,000, by key", last, 2 * read),
        ]
        for name, (work, floor) in kinds.items():
            found.append(self._figure(name, await self._median(work), floor))
        return [*found, Figure("million", "the last page by key over the first", "", last / first, goal=_PAGING)]

    def _figure(self, name: str, seconds: float, floor: float) -> Figure:
        return Figure("million", f"{name}, among {self._count:,}", "ms", seconds * 1000, floor * 1000)

    async def _median(self, work: Callable[[], Awaitable[object]]) -> float:
        [median] = await self._medians(work)
        return median

    async def _medians(self, *works: Callable[[], Awaitable[object]]) -> list[float]:
        """Return the median of each work; they alternate, so that other work on the machine meets them alike."""
        times: list[list[float]] = [[] for _ in works]
        for _ in range(self._repetitions):
            for work, taken in zip(works, times, strict=True):
                began = time.perf_counter()
                await work()
                taken.append(time.perf_counter() - began)
        return [percentile(taken, 0.5) for taken in times]

    async def _page(self, before: PageKey | None, offset: int = 0) -> PageKey | None:
        page = await Conversations(self._graph).page(
            COLLECTOR, limit=_PAGE, offset=offset, include_archived=True, before=before
        )
        return page.next

    async def _last_key(self) -> PageKey | None:
        """Return the key of the page before the last one."""
        return await self._page(None, COLLECTED - 2 * _PAGE)

    async def _create(self) -> None:
        new = Conversation(uuid4(), "user-7@example.com", None, _NOW, _NOW, "claude-sonnet-4-6")
        self._created.append(await Conversations(self._graph).create(new))

    async def _answer(self) -> None:
        conversation = self._created[0]
        self._created.append(self._created.pop(0))
        lease, turns, email = Lease(conversation.id, uuid4()), Turns(self._graph), conversation.user_email
        question, reply, result, last = (_message(role) for role in ("user", "assistant", "user", "assistant"))
        await turns.begin(lease, email, question, Asking("", None, 1000))
        await turns.append(lease, email, [reply, result])
        await turns.finish(lease, email, [last], Ending(question.id, "{}"))

    async def _delete(self) -> None:
        conversation = self._created.pop()
        await Conversations(self._graph).delete(conversation.id, conversation.user_email)


def _message(role: str) -> Message:
    return Message(id=uuid4(), role="user" if role == "user" else "assistant", content="A text. " * 20, created_at=_NOW)
