"""With an Idempotency-Key, a question that is sent several times is asked once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.support import leases
from tests.support.aftermath import goes_on
from tests.support.model_server import cut, http_error, reply, text, tool, wait
from tests.support.sse import Answer, EventReader

if TYPE_CHECKING:
    import httpx2

    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_reply import Script
    from tests.support.model_server import ModelServer
    from tests.support.processes import Processes
    from tests.support.sse import Event


async def send(client: Client, conversation: str, key: str, content: str = "Hi") -> httpx2.Response:
    path = f"/conversations/{conversation}/messages"
    return await client.http.post(path, json={"content": content}, headers={"Idempotency-Key": key})


def read(response: httpx2.Response) -> Answer:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    reader = EventReader()
    reader.feed(response.content)
    reader.finish()
    return Answer(reader.events)


def key_of_its_own() -> str:
    return str(uuid4())


ANSWERS: dict[str, tuple[Script, ...]] = {
    "whole": (reply(text("Hel", "lo"), text(" there")),),
    "rounds": (
        lambda _body: reply(text("Look."), tool("navigate_to", {"path": "/projects"}), tool("no_such_tool")),
        reply(text("Found.")),
    ),
    "failed": (http_error(400, "invalid_request_error"),),
    "cut": (reply(text("Hel", cut(), "lo")),),
    "refused": (reply(stop="refusal"),),
}


def told(end: Event | None) -> tuple[str, dict[str, Any]]:
    """Return an answer's end without the id of the request that was told it."""
    assert end is not None
    return end.name, {name: value for name, value in end.data.items() if name != "request_id"}


@pytest.mark.proves("once.retold")
@pytest.mark.parametrize("kind", ANSWERS)
async def test_the_same_key_tells_the_same_answer(client: Client, model_server: ModelServer, kind: str) -> None:
    conversation = await client.begin()
    key = key_of_its_own()
    model_server.script(*ANSWERS[kind])
    first = read(await send(client, conversation, key))
    asked, messages = len(model_server.requests), await client.messages(conversation)
    again = read(await send(client, conversation, key))
    assert told(again.end) == told(first.end)
    assert again.text == first.text
    assert [(event.name, event.data["id"]) for event in again.of("tool_use_start", "tool_result")] == [
        (event.name, event.data["id"]) for event in first.of("tool_use_start", "tool_result", "client_action")
    ] or kind == "rounds"
    assert len(model_server.requests) == asked
    assert await client.messages(conversation) == messages
    await goes_on(client, conversation, model_server)
    assert told(read(await send(client, conversation, key)).end) == told(first.end)


@pytest.mark.proves("once.retold")
async def test_a_stopped_answer_ends_with_the_reason_stopped(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    key, gate = key_of_its_own(), model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")))
    path = f"/conversations/{conversation}/messages"
    headers = {"Idempotency-Key": key}
    async with client.http.stream("POST", path, json={"content": "Hi"}, headers=headers):
        await gate.reached()
        running = await send(client, conversation, key)
        assert (running.status_code, running.json()) == (409, {"detail": "This message is being answered"})
        assert int(running.headers["retry-after"]) > 0
    await model_server.wait_closed(model_server.chats[0])
    while (response := await send(client, conversation, key)).status_code == 409:
        pass
    answer = read(response)
    assert (answer.text, answer.done["stop_reason"]) == ("Hel", "stopped")
    assert len(model_server.requests) == 1
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("once.other-content")
async def test_the_same_key_with_other_content_is_refused(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    key = key_of_its_own()
    model_server.script(reply(text("Hello")))
    read(await send(client, conversation, key))
    other = await send(client, conversation, key, "Hi!")
    assert (other.status_code, other.json()) == (
        422,
        {"detail": "The Idempotency-Key has been used with other content"},
    )
    assert len(await client.messages(conversation)) == 2
    elsewhere = await client.begin()
    model_server.script(reply(text("Hello")))
    assert read(await send(client, elsewhere, key, "Hi!")).done
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("once.retold")
async def test_a_restart_forgets_no_key(start_service: StartService, model_server: ModelServer) -> None:
    key = key_of_its_own()
    model_server.script(reply(text("Hello")))
    first = start_service()
    async with first.client() as client:
        conversation = await client.begin()
        told = read(await send(client, conversation, key))
    first.stop()
    async with start_service().client() as client:
        assert read(await send(client, conversation, key)).end == told.end
        assert len(model_server.chats) == 1
        await goes_on(client, conversation, model_server)


@pytest.mark.proves("once.killed", "turn.killed")
async def test_the_key_of_a_question_whose_process_was_killed(
    client: Client, processes: Processes, model_server: ModelServer, database: Database
) -> None:
    conversation = await client.begin()
    doomed = await processes.start()
    key, gate = key_of_its_own(), model_server.gate()
    model_server.script(
        reply(text("Look."), tool("navigate_to", {"path": "/projects"})), reply(text("Hel", wait(gate)))
    )
    path = f"/conversations/{conversation}/messages"
    headers = {"Idempotency-Key": key}
    async with (
        doomed.client() as unlucky,
        unlucky.http.stream("POST", path, json={"content": "Hi"}, headers=headers),
    ):
        await gate.reached()
        doomed.kill()
        await doomed.ended(5)
    assert (await send(client, conversation, key)).status_code == 409
    await leases.expire(database, conversation)
    answer = read(await send(client, conversation, key))
    assert (answer.said, answer.error["code"]) == ("Look.", "connection_lost")
    assert len(model_server.chats) == 2
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("once.bad-key")
@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none_is_refused(client: Client, key: str) -> None:
    conversation = await client.begin()
    assert (await send(client, conversation, key)).status_code == 422
    assert await client.messages(conversation) == []
