"""Many answers with many calls each, while the database is slow or away: none is lost.

The variable MANY_ANSWERS says how many answers the slow test has at once (100).
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.aftermath import until
from tests.support.audit_rows import query
from tests.support.model_server import reply, text, tool, wait
from tests.support.service import DEVELOPER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.conftest import StartService
    from tests.support.client import Client, Json
    from tests.support.database import Database
    from tests.support.killed_changes import World
    from tests.support.model_reply import Answer as Played
    from tests.support.model_server import ModelServer
    from tests.support.model_steps import Gate
    from tests.support.sse import Answer

pytestmark = pytest.mark.proves("calls.fence-waits", "audit.one-row")

SECONDS = 200
"""The bound on the wait for one of many answers on a busy machine."""
MANY = int(os.environ.get("MANY_ANSWERS", "100"))


def model_of(gate: Gate) -> Callable[[Json], Played]:
    """Return a model that makes the calls that a question wants, changes and readings, all at the same time."""

    def play(body: Json) -> Played:
        last = body["messages"][-1]["content"][-1]
        wanted = re.search(r"Change (thing-\w+) (\d+) times", last.get("text", "")) if last["type"] == "text" else None
        if wanted is None:
            return reply(text("Done."))
        names = [f"{wanted[1]}-{number}" for number in range(int(wanted[2]))]
        tools = ("change_thing", "get_thing")
        calls = [tool(tools[n % 2], {"name": name}, call_id=f"toolu_{name}") for n, name in enumerate(names)]
        return reply(text("I do it.", wait(gate)), *calls)

    return play


@dataclass(frozen=True)
class Crowd:
    """How many answers run at once, with how many calls each, and what happens to the database meanwhile."""

    fault: str
    answers: int
    calls: int
    seconds: float

    @property
    def changes(self) -> int:
        """The number of all changes."""
        return self.answers * self.calls // 2


FEW = [Crowd("away", 6, 6, 1.0), Crowd("slow", 6, 6, 0.02)]
HUNDRED = [Crowd("away", MANY, 20, 5.0), Crowd("slow", MANY, 20, 0.01)]
"""An outage of five seconds is shorter than the eight for which storing is tried again."""


@asynccontextmanager
async def away(world: World, crowd: Crowd) -> AsyncIterator[None]:
    """Cut the database off as soon as half of the changes are made."""

    async def outage() -> None:
        await until(lambda: len(world.api.changes) >= crowd.changes // 2, SECONDS)
        world.proxy.kill()
        await asyncio.sleep(crowd.seconds)
        world.proxy.revive()

    running = asyncio.create_task(outage())
    yield
    await running


@asynccontextmanager
async def slow(world: World, crowd: Crowd) -> AsyncIterator[None]:
    """Hold back each piece that goes to the database or comes from it."""
    world.proxy.delay = crowd.seconds
    yield
    world.proxy.delay = 0.0


FAULTS = {"away": away, "slow": slow}


@pytest.fixture
async def client(start_service: StartService, world: World) -> AsyncIterator[Client]:
    """Return a client of a service that reaches its database through the proxy."""
    async with start_service(**world.variables).client() as made:
        yield made


async def whole_answer(client: Client, conversation: str, question: str) -> Answer:
    """Ask, and wait for the answer longer than a client of the other tests does."""
    async with client.stream(conversation, question) as stream, asyncio.timeout(SECONDS):
        async for chunk in stream.response.aiter_bytes():
            stream.reader.feed(chunk)
        return stream.so_far


async def ends_of(client: Client, world: World, model_server: ModelServer, crowd: Crowd) -> Counter[str]:
    """Ask all questions at once, let all calls be made at the same time, and count how the answers end."""
    gate = model_server.gate()
    model_server.script(*[model_of(gate)] * (2 * crowd.answers))
    mark = secrets.token_hex(3)
    conversations = [await client.begin() for _ in range(crowd.answers)]

    async def ask(number: int, conversation: str) -> str:
        answer = await whole_answer(client, conversation, f"Change thing-{mark}x{number} {crowd.calls} times")
        return str(answer.done["stop_reason"]) if answer.of("done") else str(answer.error["code"])

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(*each)) for each in enumerate(conversations)]
        await until(lambda: len(model_server.chats) == crowd.answers, SECONDS)
        async with FAULTS[crowd.fault](world, crowd):
            gate.open()
            await asyncio.wait(asked)
    return Counter(each.result() for each in asked)


async def check_rows(database: Database, world: World, crowd: Crowd) -> None:
    """Check that no call was made twice, that each has one row, and that none is without its outcome."""
    changes = Counter(each.path for each in world.api.changes)
    assert set(changes.values()) == {1}
    select = "SELECT record::jsonb ->> 'call_id' FROM {}.imbi_assistant_audit WHERE user_email = %s"
    prefix = next(iter(changes)).rpartition("/")[2].partition("x")[0]
    ids = Counter(row[0] for row in await query(database, select, DEVELOPER) if prefix in row[0])
    assert Counter(ids.values()) == {1: crowd.answers * crowd.calls}
    left = "SELECT call_id FROM {}.imbi_assistant_call WHERE call_id LIKE %s"
    assert await query(database, left, f"%{prefix}%") == []


@pytest.mark.parametrize("crowd", FEW, ids=lambda crowd: crowd.fault)
async def test_no_answer_is_lost_while_the_database_is_slow_or_away(
    client: Client, model_server: ModelServer, database: Database, world: World, crowd: Crowd
) -> None:
    assert await ends_of(client, world, model_server, crowd) == {"end_turn": crowd.answers}
    await check_rows(database, world, crowd)


@pytest.mark.slow
@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize("crowd", HUNDRED, ids=lambda crowd: crowd.fault)
async def test_none_of_a_hundred_answers_is_lost_while_the_database_is_slow_or_away(
    client: Client, model_server: ModelServer, database: Database, world: World, crowd: Crowd
) -> None:
    assert await ends_of(client, world, model_server, crowd) == {"end_turn": crowd.answers}
    await check_rows(database, world, crowd)
