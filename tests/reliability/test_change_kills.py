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
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from shared.graph.leases import LIFETIME_SECONDS
from tests.support import leases
from tests.support.aftermath import check_stored, until
from tests.support.audit_rows import intents_of, rows_of
from tests.support.killed_changes import ask, check_chain, steps_of, told
from tests.support.model_server import reply, text, tool

if TYPE_CHECKING:
    from tests.support.client import Client, Json
    from tests.support.database import Database
    from tests.support.killed_changes import World
    from tests.support.model_reply import Answer
    from tests.support.model_server import ModelServer
    from tests.support.processes import Forked, Processes

pytestmark = pytest.mark.slow

TURNS = int(os.environ.get("CHANGE_KILLS", "300"))
SIDE_BY_SIDE = 5
MOST = {"piece": 90, "change": 4 * SIDE_BY_SIDE, "fence": 2 * SIDE_BY_SIDE}
"""About as many pieces as the turns of one process send to the database, each counted before and after it is sent."""
LEASE_SECONDS = LIFETIME_SECONDS + 1
STOPS = (("model", 1), ("fence", 1), ("fence", 2), ("change", 1)) * 4
"""Steps between which a stopped process holds no transaction open: the embedded database has one session for all."""


def model_of(body: Json) -> Answer:
    """Make two changes and read something when asked to, and otherwise say something."""
    users = [message for message in body["messages"] if message["role"] == "user"]
    last = users[-1]["content"]
    wanted = re.search(r"Change (thing-\w+)", last[-1].get("text", "")) if last[-1]["type"] == "text" else None
    if wanted is None:
        return reply(text("So it is."))
    name = wanted[1]
    changes = [tool("change_thing", {"name": each}) for each in (name, f"{name}-too")]
    return reply(text("I change it. "), *changes, tool("get_thing", {"name": f"{name}-read"}))


@pytest.mark.timeout(60 + TURNS)
@pytest.mark.proves("calls.killed", "audit.one-row", "turn.replayable")
async def test_killed_changes_are_made_at_most_once_and_told(
    client: Client, processes: Processes, model_server: ModelServer, database: Database, world: World
) -> None:
    seed = os.environ.get("KILL_SEED", secrets.token_hex(4))
    chance = random.Random(seed)  # noqa: S311  # moments, not secrets
    model_server.script(*[model_of] * (TURNS * 6 + 30))
    cuts: Counter[str] = Counter()
    most = MOST | {"step": 0}
    for number in range(1 + TURNS // SIDE_BY_SIDE):
        kind = chance.choice(("step", "step", *MOST)) if number else "none"
        at = chance.randint(1, most[kind]) if number else 0
        victim = await processes.start(at if kind == "step" else 0, **world.variables)
        names = {await client.begin(): f"thing-{number}x{n}" for n in range(SIDE_BY_SIDE)}
        world.aim(victim, kind, at)
        async with victim.client() as asking:
            await asyncio.gather(*(ask(asking, each, f"Change {name}") for each, name in names.items()))
        made = await steps_of(victim)
        most["step"] = most["step"] or made or 1
        cuts[kind] += made is None
        victim.kill()
        await victim.ended(10)
        for conversation, name in names.items():
            await leases.expire(database, conversation)
            where = f"KILL_SEED={seed}, turn {name}, cut at {world.cut_at}"
            sent = json.dumps(await told(client, conversation, model_server))
            await check_account(client, database, world, (conversation, name), sent, where)
    await check_chain(database)
    print(f"{TURNS} turns in {TURNS // SIDE_BY_SIDE} processes, which were cut at {dict(cuts)} of {most}")  # noqa: T201  # for pytest -s


async def check_account(
    client: Client, database: Database, world: World, turn: tuple[str, str], sent: str, where: str
) -> None:
    """Check that a turn's changes were made at most once, and that the model and the audit know of each effect."""
    conversation, name = turn
    check_stored(await client.messages(conversation))
    rows = Counter(row["path"].rpartition("/")[2] for row in await rows_of(database, conversation))
    for thing in (name, f"{name}-too"):
        effects = world.api.things.get(thing, 0)
        assert effects <= 1, f"{where}: {thing} was changed {effects} times"
        assert (
            not effects
            or f"/things/{thing} " in sent
            or f"/things/{thing})" in sent
            or (f'\\"name\\":\\"{thing}\\"' in sent)
        ), f"{where}: the model was not told of {thing}: {sent}"
        assert effects <= rows[thing] <= 1, f"{where}: {rows}"
    assert world.api.reads(f"{name}-read") <= rows[f"{name}-read"] <= 1, f"{where}: {rows}"
    assert await intents_of(database, conversation) == 0, where


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
    victims: dict[str, tuple[Forked, asyncio.Task[None]]] = {}
    async with asyncio.TaskGroup() as group:
        for number, (kind, step) in enumerate(STOPS):
            victim = await processes.start(**world.variables)
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
