"""Processes are killed and stopped at every step of changing turns: each call is sent at most once, and accounted for.

The variable CHANGE_KILLS says how many turns are cut (300), KILL_SEED which (a new one each time, named by a failure).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import secrets
import signal
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2
import pytest

from shared.graph.audit_chains import AuditChains
from shared.graph.connector import Graph
from tests.support import leases
from tests.support.aftermath import check_stored, until
from tests.support.audit_rows import intents_of, rows_of
from tests.support.background import served
from tests.support.counted_api import CountedApi
from tests.support.model_server import reply, text, tool
from tests.support.proxy import Proxy, proxied_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.client import Client, Json
    from tests.support.database import Database
    from tests.support.model_reply import Answer
    from tests.support.model_server import ModelServer
    from tests.support.processes import Forked, Processes

pytestmark = pytest.mark.slow

TURNS = int(os.environ.get("CHANGE_KILLS", "300"))
SIDE_BY_SIDE = 5
MOST_PIECES = 90
"""About as many pieces as the turns of one process send to the database, each counted before and after it is sent."""
MOST_CHANGES = 4 * SIDE_BY_SIDE
LEASE_SECONDS = 16
FENCE = b"AS intent (question_id text"
"""A part of the statement that lets a round's calls run."""
STOPS = (("model", 1), ("fence", 1), ("fence", 2), ("change", 1)) * 4
"""Steps between which a stopped process holds no transaction open: the embedded database has one session for all."""


def model_of(body: Json) -> Answer:
    """Make two changes when asked to, and otherwise say something."""
    users = [message for message in body["messages"] if message["role"] == "user"]
    last = users[-1]["content"]
    wanted = re.search(r"Change (thing-\w+)", last[-1].get("text", "")) if last[-1]["type"] == "text" else None
    if wanted is None:
        return reply(text("So it is."))
    names = (wanted[1], f"{wanted[1]}-too")
    return reply(text("I change it. "), *[tool("change_thing", {"name": name}) for name in names])


@dataclass
class World:
    """What the victims talk to, and how they are cut."""

    api: CountedApi
    proxy: Proxy
    steps: dict[str, int] = field(default_factory=dict)
    cut_at: tuple[str, int] = ("", 0)
    victim: Forked | None = None
    sign: signal.Signals = signal.SIGKILL
    has_cut: bool = False

    def step(self, kind: str) -> None:
        """Count a step; cut the victim at the chosen one, before the step goes on."""
        self.steps[kind] = self.steps.get(kind, 0) + 1
        if self.victim is not None and self.cut_at == (kind, self.steps[kind]):
            self.victim.signal(self.sign)
            self.has_cut = True

    def aim(self, victim: Forked, kind: str, number: int) -> None:
        """Choose the step at which a process is cut."""
        self.steps, self.has_cut = {}, False
        self.victim, self.cut_at = victim, (kind, number)


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    with ExitStack() as stack:
        api = CountedApi()
        api.url = stack.enter_context(served(api.app))
        world = World(api, stack.enter_context(proxied_database(database.dsn)))
        api.on_change = lambda: world.step("change")
        world.proxy.on_piece = lambda data: world.step("fence" if FENCE in data else "piece")
        yield world


async def ask(client: Client, conversation: str, question: str) -> None:
    with suppress(httpx2.TransportError, StopAsyncIteration, RuntimeError):
        async with client.stream(conversation, question) as stream:
            await stream.until(lambda event: event.name in {"done", "error"})


async def told(client: Client, conversation: str, model_server: ModelServer) -> str:
    """Ask what happened; return what the model was sent of the whole conversation."""
    mark = f"What happened? {secrets.token_hex(4)}"
    assert (await client.ask(conversation, mark)).done
    [request] = [each for each in model_server.chats if mark in json.dumps(each.body["messages"][-2:])]
    assert request.problems == []
    return json.dumps(request.body["messages"])


@pytest.mark.timeout(60 + TURNS)
@pytest.mark.proves("calls.killed", "audit.one-row", "turn.replayable")
async def test_killed_changes_are_made_at_most_once_and_told(
    client: Client, processes: Processes, model_server: ModelServer, database: Database, world: World
) -> None:
    seed = os.environ.get("KILL_SEED", secrets.token_hex(4))
    chance = random.Random(seed)  # noqa: S311  # moments, not secrets
    model_server.script(*[model_of] * (TURNS * 6))
    variables = {"IMBI_INTERNAL_API_URL": world.api.url, "POSTGRES_URL": world.proxy.url}
    spare = await processes.start(**variables)
    for number in range(TURNS // SIDE_BY_SIDE):
        victim, starting = spare, asyncio.create_task(processes.start(**variables))
        names = {await client.begin(): f"thing-{number}x{n}" for n in range(SIDE_BY_SIDE)}
        kind, most = chance.choice((("piece", MOST_PIECES), ("change", MOST_CHANGES), ("fence", 2 * SIDE_BY_SIDE)))
        world.aim(victim, kind, chance.randint(1, most))
        async with victim.client() as asking:
            await asyncio.gather(*(ask(asking, each, f"Change {name}") for each, name in names.items()))
        victim.kill()
        await victim.ended(10)
        for conversation, name in names.items():
            await leases.expire(database, conversation)
            where = f"KILL_SEED={seed}, turn {name}, cut at {world.cut_at}"
            sent = await told(client, conversation, model_server)
            await check_account(client, database, world, (conversation, name), sent, where)
        spare = await starting
    spare.kill()
    await check_chain(database)


async def check_account(
    client: Client, database: Database, world: World, turn: tuple[str, str], sent: str, where: str
) -> None:
    """Check that a turn's changes were made at most once, and that the model and the audit know of each effect."""
    conversation, name = turn
    check_stored(await client.messages(conversation))
    rows = [row["path"].rpartition("/")[2] for row in await rows_of(database, conversation)]
    for thing in (name, f"{name}-too"):
        effects = world.api.things.get(thing, 0)
        assert effects <= 1, f"{where}: {thing} was changed {effects} times"
        assert rows.count(thing) <= 1, f"{where}: {rows}"
        if effects:
            assert rows.count(thing) == 1, f"{where}: no audit row for {thing}"
            assert f"/things/{thing} " in sent or f"/things/{thing})" in sent or f'\\"name\\":\\"{thing}\\"' in sent, (
                f"{where}: the model was not told of {thing}: {sent}"
            )
    assert await intents_of(database, conversation) == 0, where


async def check_chain(database: Database) -> None:
    graph = Graph(database.dsn, database.graph_name, max_size=1)
    chains = AuditChains(graph)
    for day in await chains.days():
        assert (await chains.verify(day)).problem is None
    await graph.aclose()


@pytest.mark.timeout(180)
@pytest.mark.proves("calls.fence")
async def test_a_stopped_process_sends_nothing_after_its_conversation_was_taken(
    client: Client, processes: Processes, model_server: ModelServer, database: Database, world: World
) -> None:
    def stepping(body: Json) -> Answer:
        world.step("model")
        return model_of(body)

    model_server.script(*[stepping] * (6 * len(STOPS)))
    world.sign = signal.SIGSTOP
    variables = {"IMBI_INTERNAL_API_URL": world.api.url, "POSTGRES_URL": world.proxy.url}
    victims: dict[str, tuple[Forked, asyncio.Task[None]]] = {}
    async with asyncio.TaskGroup() as group:
        for number, (kind, step) in enumerate(STOPS):
            victim = await processes.start(**variables)
            conversation = await client.begin()
            world.aim(victim, kind, step)
            asking = group.create_task(ask_alone(victim, conversation, f"Change thing-{kind}{number}"))
            await until(lambda: world.has_cut)
            victims[conversation] = victim, asking
        await asyncio.sleep(LEASE_SECONDS)
        for conversation in victims:
            assert (await client.ask(conversation, "What happened?")).done
        before = dict(world.api.things)
        for victim, _ in victims.values():
            victim.signal(signal.SIGCONT)
        for victim, asking in victims.values():
            await asking
            victim.kill()
    assert world.api.things == before
    assert set(before.values()) == {1}
    assert all(thing.startswith("thing-change") for thing in before)
    for conversation in victims:
        assert await intents_of(database, conversation) == 0
    await check_chain(database)


async def ask_alone(victim: Forked, conversation: str, question: str) -> None:
    async with victim.client() as client:
        await ask(client, conversation, question)
