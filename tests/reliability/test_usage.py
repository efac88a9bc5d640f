"""The stored usage is what the model counted, whatever the end of the answers."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.support.model_server import Gate, cut, error, reply, text, tool, wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.model_server import Answer, ModelServer
    from tests.support.processes import Forked, Processes

COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
ENDS = ("whole", "tools", "cut", "failed", "stopped", "gone", "deleted")
AT_ONCE = 24


class Model:
    """Answers each question as its text says, `<end> <number>`; a gate holds what is stopped or killed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  # numbers of tokens, not secrets
        self.gates: defaultdict[str, Gate] = defaultdict(Gate)

    def answer(self, body: dict[str, Any]) -> Answer:
        """Answer a request."""
        usage = {name: self.chance.randrange(1, 1000) for name in COUNTS}
        question, rounds = _asked(body)
        end = question.split()[0]
        if end != "whole" and rounds == 0:
            return reply(text("Let me see. "), tool("navigate_to", {"path": "/projects"}), usage=usage)
        if end == "cut":
            return reply(text("Half an ", cut()), usage=usage)
        if end == "failed":
            return reply(text("Half an "), error("api_error"), usage=usage)
        if end in {"stopped", "gone", "deleted", "killed"}:
            # Nothing more is told after the gate, so that it does not matter whether the service still reads it.
            return reply(text("Half an ", wait(self.gates[question]), "answer"), usage=usage | {"output_tokens": 1})
        return reply(text("An answer."), usage=usage)


def _asked(body: dict[str, Any]) -> tuple[str, int]:
    """Return the last question and the number of replies since."""
    rounds = 0
    for message in reversed(body["messages"]):
        texts = [block["text"] for block in message["content"] if block["type"] == "text"]
        is_result = any(block["type"] == "tool_result" for block in message["content"])
        if message["role"] == "user" and not is_result:
            return next(each for each in texts if each.split()[0] in {*ENDS, "killed"}), rounds
        rounds += message["role"] == "assistant"
    raise AssertionError("no question")


def _was_killed(body: dict[str, Any]) -> bool:
    """Return whether the process was killed during the reply to a request: it is the second one of its answer."""
    return "killed " in str(body["messages"]) and _asked(body)[1] == 1


async def ask(client: Client, question: str, gates: dict[str, Gate]) -> None:
    """Ask in a new conversation, and end the answer as the question says."""
    conversation = await client.begin()
    end = question.split(maxsplit=1)[0]
    async with client.stream(conversation, question) as stream:
        if end in {"stopped", "gone", "deleted"}:
            await stream.until(lambda event: event.data.get("text") == "Half an ")
        if end == "stopped":
            await client.stop(conversation)
        elif end == "deleted":
            await client.delete(conversation)
        if end != "gone":
            await stream.rest()
    gates[question].open()


async def killed(victim: Forked, email: str, questions: Sequence[str]) -> None:
    """Ask questions, and kill the process when all second replies are under way."""
    async with victim.client(email) as client:
        conversations = [await client.begin() for _ in questions]
        reached: asyncio.Queue[str] = asyncio.Queue()

        async def follow(conversation: str, question: str) -> None:
            with suppress(httpx2.TransportError, RuntimeError, StopAsyncIteration):
                async with client.stream(conversation, question) as stream:
                    await stream.until(lambda event: event.data.get("text") == "Half an ")
                    await reached.put(question)
                    await stream.rest()

        following = [asyncio.create_task(follow(*each)) for each in zip(conversations, questions, strict=True)]
        for _ in questions:
            await asyncio.wait_for(reached.get(), 30)
        victim.kill()
        await asyncio.gather(*following)


async def total(client: Client) -> int:
    """Return the stored tokens of the client's user."""
    return sum(row[name] for row in (await client.http.get("/usage")).json() for name in COUNTS)


async def check(
    client: Client, processes: Processes, model_server: ModelServer, *, answers: int, kills: int, seed: int = 7
) -> None:
    """Answer questions with all ends, kill processes, and compare the stored tokens with the model's."""
    model = Model(seed)
    model_server.script(*[model.answer] * (3 * answers))
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with places:
            await ask(client, f"{ENDS[number % len(ENDS)]} {number}", model.gates)

    await asyncio.gather(*(one(number) for number in range(answers - 4 * kills)))
    for kill in range(kills):
        questions = [f"killed {kill}-{number}" for number in range(4)]
        await killed(await processes.start(), client.email, questions)
        for each in questions:
            model.gates[each].open()
    running = model_server.used(_was_killed)
    assert running > 0
    assert await until_stored(client, model_server.used() - running) == model_server.used() - running


async def until_stored(client: Client, expected: int) -> int:
    """Return the stored tokens as soon as they are as many as expected; answers whose client went away end later."""
    stored = await total(client)
    for _ in range(100):
        if stored == expected:
            break
        await asyncio.sleep(0.1)
        stored = await total(client)
    return stored


@pytest.fixture
async def user(new_client: NewClient) -> Client:
    """Return the client of a user who has used nothing."""
    return await new_client()


@pytest.mark.proves("usage.counted", "usage.killed")
async def test_the_usage_of_thirty_answers_is_the_models_count(
    user: Client, processes: Processes, model_server: ModelServer
) -> None:
    await check(user, processes, model_server, answers=30, kills=1)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.proves("usage.counted", "usage.killed")
async def test_the_usage_of_five_hundred_answers_is_the_models_count(
    user: Client, processes: Processes, model_server: ModelServer
) -> None:
    await check(user, processes, model_server, answers=500, kills=5)


@pytest.mark.proves("usage.counted")
async def test_the_tokens_of_an_attempt_that_is_repeated_count(user: Client, model_server: ModelServer) -> None:
    model_server.script(reply(error("overloaded_error")), reply(text("Hello")))
    assert (await user.ask(await user.begin(), "Hi")).done
    assert await until_stored(user, model_server.used()) == model_server.used()
