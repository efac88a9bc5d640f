"""Processes are killed at every await between an approval's decision and its stored results.

The variable APPROVAL_KILLS says how many turns are cut (60). The awaits at which they are cut are spread evenly over
all of a turn; from about 500 on, each await is met. KILL_SEED makes the same choices again; a failure names it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.support import leases
from tests.support.audit_rows import intents_of, rows_of
from tests.support.killed_changes import ask, check_chain, steps_of, told
from tests.support.model_server import reply, text, tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from random import Random

    from tests.conftest import StartService
    from tests.support.client import Client, Json
    from tests.support.database import Database
    from tests.support.killed_changes import World
    from tests.support.model_reply import Answer
    from tests.support.model_server import ModelServer
    from tests.support.processes import Processes
    from tests.support.service import Service

pytestmark = [pytest.mark.slow, pytest.mark.proves("approvals.killed", "audit.one-row", "turn.replayable")]

TURNS = int(os.environ.get("APPROVAL_KILLS", "60"))
WRITES = {"IMBI_ASSISTANT_APPROVALS": "writes"}
WAYS = ("route", "route", "word", "two tabs")
AFTERWARDS = ("ask", "ask", "approve", "word")


@dataclass(frozen=True)
class Parked:
    """A conversation whose reply waits for its approval."""

    conversation: str
    name: str
    approval: str

    @property
    def things(self) -> tuple[str, ...]:
        """The things that the calls are about, which also name the calls; the last one is only read."""
        return self.name, f"{self.name}-too", f"{self.name}-read"


def model_of(body: Json) -> Answer:
    """Make two changes and read something when asked to, and otherwise say something."""
    last = body["messages"][-1]["content"]
    wanted = re.search(r"Change (thing-\d+)", last[-1].get("text", "")) if last[-1]["type"] == "text" else None
    if wanted is None:
        return reply(text("So it is."))
    one, other, read = Parked("", wanted[1], "").things
    calls = (("change_thing", one), ("change_thing", other), ("get_thing", read))
    return reply(
        text("I change it."), *[tool(name, {"name": thing}, call_id=f"toolu_{thing}") for name, thing in calls]
    )


@pytest.fixture
async def keeper(world: World, start_service: StartService) -> AsyncIterator[Client]:
    """Return a client of a service that is not killed."""
    service: Service = start_service(IMBI_INTERNAL_API_URL=world.api.url, **WRITES)
    async with service.client() as client:
        yield client


async def park(keeper: Client, name: str) -> Parked:
    conversation = await keeper.begin()
    answer = await keeper.ask(conversation, f"Change {name}")
    return Parked(conversation, name, answer.of("approval_required")[0].data["approval_id"])


async def approve(client: Client, parked: Parked) -> int:
    """Approve by the route; return the status, or 0 if the process was killed."""
    path = f"/conversations/{parked.conversation}/approvals/{parked.approval}"
    with suppress(httpx2.TransportError):
        return (await client.http.post(path, json={"decision": "approve"})).status_code
    return 0


async def decide(way: str, victim: Client, keeper: Client, parked: Parked) -> None:
    """Approve in one of the ways, so that at least the victim gets the decision."""
    if way == "word":
        await ask(victim, parked.conversation, "yes")
        return
    others = [approve(keeper, parked)] if way == "two tabs" else []
    statuses = await asyncio.gather(approve(victim, parked), *others)
    assert statuses.count(200) <= 1, statuses


@pytest.mark.timeout(120 + 2 * TURNS)
async def test_approved_calls_are_sent_at_most_once_whenever_their_process_is_killed(
    keeper: Client, processes: Processes, model_server: ModelServer, database: Database, world: World
) -> None:
    seed = os.environ.get("KILL_SEED", secrets.token_hex(4))
    chance = random.Random(seed)  # noqa: S311  # moments, not secrets
    model_server.script(*[model_of] * (TURNS * 6 + 30))
    steps, ends = 0, Counter[str]()
    for number in range(TURNS + 1):
        at = 1 + int((number - chance.random()) * steps / TURNS)
        way = chance.choice(WAYS) if number else "route"
        victim = await processes.start(at if number else 0, **world.variables, **WRITES)
        parked = await park(keeper, f"thing-{number}")
        world.aim(victim, "none", at)
        async with victim.client() as client:
            await decide(way, client, keeper, parked)
        made = await steps_of(victim)
        steps = steps or made or 0
        ends["killed"] += made is None
        victim.kill()
        await victim.ended(10)
        await leases.expire(database, parked.conversation)
        await afterwards(chance, keeper, parked)
        where = f"KILL_SEED={seed}, {parked.name}, decided by {way}, killed before await {at} of {steps}"
        sent = await told(keeper, parked.conversation, model_server)
        ends += await check_account(keeper, database, world, parked, sent, where)
    await check_chain(database)
    print(f"{TURNS} approved turns, killed at {TURNS} of about {steps} awaits: {dict(ends)}")  # noqa: T201  # for pytest -s


async def afterwards(chance: Random, keeper: Client, parked: Parked) -> None:
    """Do what a user may do after the service has failed: ask, or approve once more."""
    act = chance.choice(AFTERWARDS)
    if act == "approve":
        assert await approve(keeper, parked) in {200, 409}
    elif act == "word":
        assert (await keeper.ask(parked.conversation, "Approve!")).done


async def check_account(
    keeper: Client, database: Database, world: World, parked: Parked, sent: Sequence[Json], where: str
) -> Counter[str]:
    """Check that each call was made at most once, has one row and one result, and that both are true."""
    messages = await keeper.messages(parked.conversation)
    assert [each["sequence"] for each in messages] == list(range(len(messages))), where
    assert await intents_of(database, parked.conversation) == 0, where
    rows = await rows_of(database, parked.conversation)
    results = [block for message in sent for block in message["content"] if block["type"] == "tool_result"]
    ends: Counter[str] = Counter()
    for thing in parked.things:
        effects = world.api.things.get(thing, 0) + world.api.reads(thing) * thing.endswith("-read")
        assert effects <= 1, f"{where}: {thing} was sent {effects} times"
        [row] = [each for each in rows if each["call_id"] == f"toolu_{thing}"]
        [result] = [each for each in results if each["tool_use_id"] == f"toolu_{thing}"]
        _check_truth(effects, row["status"], json.dumps(result), f"{where}: {row}, {result}")
        ends[f"{row['status']}, {effects} effects"] += 1
    return ends


def _check_truth(effects: int, status: str, told_: str, where: str) -> None:
    """Check that neither the audit nor the model was told that a call ran which did not, or the other way round."""
    if status == "ok":
        assert effects == 1, where
        assert "is_error" not in told_, where
    elif status == "unknown":
        assert "not known" in told_, where
    else:
        assert effects == 0, where
        assert "not run" in told_, where
