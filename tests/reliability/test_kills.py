"""Processes are killed at random moments: nothing that was acknowledged is lost, and every history can be replayed.

The environment variable KILLS says how many (100), KILL_SEED which (a new one each time, named by a failure).
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.support import leases
from tests.support.aftermath import check_stored, goes_on
from tests.support.background import served
from tests.support.faulty_api import faulty_api
from tests.support.model_server import reply, text, thinking, tool

if TYPE_CHECKING:
    from tests.support.client import Client, Json
    from tests.support.database import Database
    from tests.support.model_reply import Answer
    from tests.support.model_server import ModelServer
    from tests.support.processes import Forked, Processes

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "100"))
SIDE_BY_SIDE = 3
SPARES = 2
"""How many processes are started ahead of their use."""


@dataclass
class KnownConversation:
    """One conversation, as its user knows it."""

    id: str
    questions: list[str] = field(default_factory=list)
    """Those that began to be answered."""
    answers: dict[str, str] = field(default_factory=dict)
    """By the id of the message, those that were told as done."""


def model_of(body: Json) -> Answer:
    """Answer any request: up to two rounds of tools, then a text."""
    messages = body["messages"]
    rounds = 0
    for message in reversed(messages):
        if message["role"] == "user" and not any(block["type"] == "tool_result" for block in message["content"]):
            break
        rounds += message["role"] == "assistant"
    if rounds < 2:
        calls = [tool("slowly"), tool("navigate_to", {"path": "/projects"})][: 1 + rounds]
        return reply(thinking("Hm", chunks=2), text("Let me see. ", chunks=4), *calls)
    return reply(text("That is all there is to say.", chunks=12))


@pytest.mark.timeout(60 + 3 * KILLS)
@pytest.mark.proves("turn.killed", "kills.kept", "turn.replayable", "turn.round-is-atomic", "messages.sequence")
async def test_kills_lose_nothing_that_was_acknowledged(
    client: Client, processes: Processes, model_server: ModelServer, database: Database
) -> None:
    seed = os.environ.get("KILL_SEED", secrets.token_hex(4))
    chance = random.Random(seed)  # noqa: S311  # moments, not secrets
    model_server.script(*[model_of] * (KILLS * SIDE_BY_SIDE * 4))
    told = [KnownConversation(await client.begin()) for _ in range(SIDE_BY_SIDE * (1 + KILLS // 20))]
    with served(faulty_api()) as url:
        spares = [await processes.start(IMBI_INTERNAL_API_URL=url) for _ in range(SPARES)]
        for number in range(KILLS):
            victim = spares.pop(0)
            starting = asyncio.create_task(processes.start(IMBI_INTERNAL_API_URL=url))
            chosen = chance.sample(told, SIDE_BY_SIDE)
            moment = (chance.choice(("text", "tool_executing", "tool_result", "client_action", "done", "time")), number)
            await _killed_at(victim, chosen, moment, chance)
            for each in chosen:
                await leases.expire(database, each.id)
                await _check(client, each, f"KILL_SEED={seed}, kill {number} at {moment[0]}")
            spares.append(await starting)
        for spare in spares:
            spare.kill()
    model_server.clear()
    for each in told:
        await goes_on(client, each.id, model_server)


async def _killed_at(
    victim: Forked, chosen: list[KnownConversation], moment: tuple[str, int], chance: random.Random
) -> None:
    """Ask in several conversations, and kill the process some milliseconds after one of them comes to the moment."""
    reached = asyncio.Event()
    async with victim.client() as client:
        asking = [
            asyncio.create_task(_ask(client, each, f"question {moment[1]}", moment[0], reached)) for each in chosen
        ]
        if moment[0] == "time":
            await asyncio.sleep(chance.uniform(0, 0.4))
        else:
            waiting = asyncio.create_task(_any(reached, asking))
            await asyncio.wait({waiting}, timeout=10)
            waiting.cancel()
            await asyncio.sleep(chance.uniform(0, 0.03))
        victim.kill()
        await asyncio.gather(*asking)


async def _any(reached: asyncio.Event, asking: list[asyncio.Task[None]]) -> None:
    """Wait until the moment comes, or cannot come any more."""
    for each in asking:
        each.add_done_callback(lambda _done: reached.set() if all(task.done() for task in asking) else None)
    await reached.wait()


async def _ask(client: Client, told: KnownConversation, question: str, moment: str, reached: asyncio.Event) -> None:
    try:
        async with client.stream(told.id, question) as stream:
            told.questions.append(question)
            while (event := await stream.next()).name != "title_updated":
                if event.name == "done":
                    told.answers[event.data["message_id"]] = stream.so_far.text
                if event.name == moment:
                    reached.set()
    except (httpx2.TransportError, StopAsyncIteration, RuntimeError):
        return


async def _check(client: Client, told: KnownConversation, which: str) -> None:
    messages: Any = await client.messages(told.id)
    check_stored(messages)
    asked = [message["content"] for message in messages if message["role"] == "user" and message["content"]]
    lost = [question for question in told.questions if question not in asked]
    assert not lost, f"{which}: {lost} of {asked}"
    assert len(asked) == len(set(asked)), f"{which}: asked twice: {asked}"
    stored = {message["id"]: message["content"] for message in messages}
    for message_id, text_told in told.answers.items():
        assert message_id in stored, f"{which}: an answer that was told as done is not there"
        assert text_told.endswith(stored[message_id]), which
