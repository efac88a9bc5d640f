"""The limits of each user: tokens a day, messages a minute, simultaneous answers, and a fair share of a process."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text, wait

if TYPE_CHECKING:
    import httpx2

    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.service import Service


def said(tokens: int = 10) -> Any:
    uncached = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return reply(text("Hello"), usage={"input_tokens": tokens, "output_tokens": 0} | uncached)


def check_refused(response: httpx2.Response, words: str, most_seconds: int) -> None:
    assert response.status_code == 429, response.text
    detail = response.json()["detail"]
    assert words in detail
    assert detail.endswith(".")
    assert 1 <= int(response.headers["retry-after"]) <= most_seconds


async def titled(client: Client, model_server: ModelServer) -> str:
    """Begin a conversation and give it a title, so that only the test's answers count."""
    conversation = await client.begin()
    await client.patch(conversation, title="Named")
    model_server.script_titles()
    return conversation


async def new_user(service: Service, database: Database, stack: AsyncExitStack) -> Client:
    return await stack.enter_async_context(service.client(await database.add_user()))


@pytest.mark.proves("budgets.tokens", "budgets.told", "budgets.repeated")
async def test_a_budget_is_told_once_and_then_holds(
    start_service: StartService, database: Database, model_server: ModelServer
) -> None:
    service = start_service(IMBI_ASSISTANT_USER_TOKENS_PER_DAY="1000")
    async with AsyncExitStack() as stack:
        client = await new_user(service, database, stack)
        conversation = await titled(client, model_server)
        model_server.script(said(790), said(10), said(100), said(100))
        texts = [(await client.ask(conversation, f"Question {number}")).text for number in range(3)]
        assert texts[0] == texts[2] == "Hello"
        assert texts[1] == "Hello\n\nNote: you have used 80 % of the 1,000 tokens that you may use today (UTC)."
        path, headers = f"/conversations/{conversation}/messages", {"Idempotency-Key": "again"}
        answer = await client.http.post(path, json={"content": "Four"}, headers=headers)
        assert answer.status_code == 200
        messages = await client.messages(conversation)
        assert all("Note:" not in each["content"] for each in messages)
        check_refused(await client.post(conversation, "Five"), "1,000 tokens", 86_400)
        assert await client.messages(conversation) == messages
        repeated = await client.http.post(path, json={"content": "Four"}, headers=headers)
        assert "event: done" in repeated.text
        other = await new_user(service, database, stack)
        model_server.script(said())
        assert (await other.ask(await titled(other, model_server), "Hi")).done


@pytest.mark.proves("budgets.messages")
async def test_messages_of_a_minute_are_counted_across_processes(
    start_service: StartService, database: Database, model_server: ModelServer
) -> None:
    services = [start_service(IMBI_ASSISTANT_USER_MESSAGES_PER_MINUTE="4") for _ in range(2)]
    email = await database.add_user()
    async with services[0].client(email) as one, services[1].client(email) as two:
        model_server.script(*(said() for _ in range(4)))
        conversations = [await titled(one, model_server) for _ in range(7)]
        clients = [one, two] * 4
        asking = [client.post(each, "Hi") for client, each in zip(clients, conversations, strict=False)]
        responses = await asyncio.gather(*asking)
        assert sorted(each.status_code for each in responses) == [200] * 4 + [429] * 3
        for each in responses:
            if each.status_code != 200:
                check_refused(each, "per minute", 60)


@pytest.mark.proves("budgets.concurrent")
async def test_simultaneous_answers_are_counted_across_processes(
    start_service: StartService, database: Database, model_server: ModelServer
) -> None:
    services = [start_service(IMBI_ASSISTANT_USER_CONCURRENT_ANSWERS="1") for _ in range(2)]
    email = await database.add_user()
    gate = model_server.gate()
    async with services[0].client(email) as one, services[1].client(email) as two:
        running, further = [await titled(one, model_server) for _ in range(2)]
        model_server.script(reply(text("Hel", wait(gate), "lo")), said(), said())
        async with one.stream(running, "Hi") as stream:
            await stream.until("text")
            check_refused(await two.post(further, "Hi"), "at the same time", 60)
            gate.open()
            assert (await stream.rest()).done
        assert (await two.ask(further, "Hi")).done
        assert (await one.ask(running, "Another")).done


@pytest.mark.proves("budgets.share")
async def test_one_user_cannot_use_all_places_of_a_process(
    start_service: StartService, database: Database, model_server: ModelServer
) -> None:
    service = start_service(IMBI_ASSISTANT_MAX_CONCURRENT_STREAMS="8")
    gate = model_server.gate()
    async with AsyncExitStack() as stack:
        one, two = [await new_user(service, database, stack) for _ in range(2)]
        conversations = [await titled(one, model_server) for _ in range(3)]
        model_server.script(*(reply(text("Hel", wait(gate), "lo")) for _ in range(3)))
        streams = [await stack.enter_async_context(one.stream(each, "Hi")) for each in conversations[:2]]
        for each in streams:
            await each.until("text")
        check_refused(await one.post(conversations[2], "Hi"), "same time", 60)
        streams.append(await stack.enter_async_context(two.stream(await titled(two, model_server), "Hi")))
        gate.open()
        assert all([(await each.rest()).done for each in streams])
