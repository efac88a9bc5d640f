"""The admission to the database: its order, its bounds, and its fairness."""

from __future__ import annotations

import asyncio
from contextvars import copy_context

import pytest

from shared.domain.errors import GraphBusy
from shared.graph import admission
from shared.graph.admission import Admission, Priority

pytestmark = pytest.mark.proves("load.fair")


class Queue:
    """An admission with one place that is taken, and the order in which others get it."""

    def __init__(self, places: int = 1, most_waiting: int = 10) -> None:
        self.admission = Admission(places, most_waiting=most_waiting)
        self.admitted: list[str] = []

    async def ask(self, name: str, priority: Priority = Priority.REQUEST) -> None:
        await self.admission.enter(priority)
        self.admitted.append(name)

    async def begin(self, user: str, name: str, priority: Priority = Priority.REQUEST) -> asyncio.Task[None]:
        """Let a request of a user wait; its context is its own."""
        context = copy_context()
        context.run(admission.on_behalf_of, user)
        task = asyncio.create_task(self.ask(name, priority), context=context)
        await asyncio.sleep(0)
        return task

    async def next(self) -> None:
        """Give the place back, and let the next one have it."""
        self.admission.leave(is_completed=True)
        await asyncio.sleep(0)


async def test_users_take_turns_however_many_requests_one_of_them_has() -> None:
    queue = Queue()
    await queue.ask("first")
    for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
        await queue.begin(name[0], name)
    for _ in range(6):
        await queue.next()
    assert queue.admitted == ["first", "a1", "b1", "c1", "a2", "b2", "a3"]


async def test_the_upkeep_of_answers_comes_first_then_their_storing_then_requests_that_have_begun() -> None:
    queue = Queue()
    request = copy_context()
    request.run(admission.on_behalf_of, "begun")
    await asyncio.create_task(queue.ask("first use"), context=request)
    await queue.begin("new", "new")
    second = asyncio.create_task(queue.ask("second use"), context=request)
    await asyncio.sleep(0)
    await queue.begin("any", "storing", Priority.STORING)
    await queue.begin("any", "renewal", Priority.UPKEEP)
    for _ in range(4):
        await queue.next()
    assert queue.admitted == ["first use", "renewal", "storing", "second use", "new"]
    await second


async def test_one_connection_is_reserved_for_the_upkeep_of_answers() -> None:
    queue = Queue(places=3)
    for name in ("one", "two", "three"):
        await queue.begin("a", name)
    assert queue.admitted == ["one", "two"]
    await queue.begin("a", "renewal", Priority.UPKEEP)
    assert queue.admitted == ["one", "two", "renewal"]


async def test_a_full_queue_refuses_the_user_who_has_most_of_it() -> None:
    queue = Queue(most_waiting=4)
    await queue.ask("first")
    many = [await queue.begin("many", f"many{number}") for number in range(6)]
    assert [type(task.exception()) if task.done() else None for task in many] == [None] * 4 + [GraphBusy] * 2
    few = await queue.begin("few", "few")
    await asyncio.sleep(0)
    assert not few.done()
    assert isinstance(many[3].exception(), GraphBusy)
    for _ in range(4):
        await queue.next()
    assert queue.admitted == ["first", "many0", "few", "many1", "many2"]


async def test_a_wait_that_is_cancelled_costs_no_place() -> None:
    queue = Queue()
    await queue.ask("first")
    waiting = await queue.begin("a", "waiting")
    just_admitted = await queue.begin("b", "just admitted")
    last = await queue.begin("c", "last")
    waiting.cancel()
    queue.admission.leave(is_completed=True)
    just_admitted.cancel()
    await asyncio.wait({waiting, just_admitted, last}, timeout=60)
    assert queue.admitted == ["first", "last"]
