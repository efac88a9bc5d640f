"""The paths of the routes, and the answers while the assistant is unavailable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.model_server import ModelServer

UNAVAILABLE = {"detail": "AI assistant is not available"}


@pytest.mark.proves("routes.prefix", "routes.status-bare-and-prefixed")
@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://imbi.example.com/assistant", "/assistant"),
        ("https://imbi.example.com/assistant/", "/assistant"),
        ("http://imbi.example.com:8080/a/b?c=d", "/a/b"),
        ("/assistant", "/assistant"),
        ("/", ""),
        ("https://imbi.example.com", ""),
        (None, ""),
    ],
)
async def test_the_routes_are_below_the_urls_path(
    start_service: StartService, model_server: ModelServer, url: str | None, prefix: str
) -> None:
    service = start_service(IMBI_ASSISTANT_URL=url)
    assert service.url == service.address + prefix
    async with service.client() as client:
        assert (await client.http.get(f"{service.address}/status")).status_code == 200
        assert (await client.http.get(f"{service.url}/status")).status_code == 200
        if prefix:
            assert (await client.http.get(f"{service.address}/conversations")).status_code == 404
        conversation = await client.begin()
        model_server.script(reply(text("Hello")))
        assert (await client.ask(conversation, "Hi")).text == "Hello"
        await client.patch(conversation, title="Renamed")
        assert conversation in [each["id"] for each in await client.list()]
        assert (await client.get(conversation))["title"] == "Renamed"
        await client.delete(conversation)


@pytest.mark.proves("routes.prefix")
async def test_the_document_lists_every_route(start_service: StartService) -> None:
    service = start_service(IMBI_ASSISTANT_URL="/assistant")
    async with service.client() as client:
        document = (await client.http.get("/openapi.json")).json()
    routes = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert routes >= {
        ("post", "/assistant/conversations"),
        ("get", "/assistant/conversations"),
        ("get", "/assistant/conversations/{conversation_id}"),
        ("patch", "/assistant/conversations/{conversation_id}"),
        ("delete", "/assistant/conversations/{conversation_id}"),
        ("post", "/assistant/conversations/{conversation_id}/messages"),
        ("get", "/assistant/status"),
    }
    assert "text/event-stream" in json.dumps(document)


@pytest.mark.proves("availability.no-key-is-503", "conversations.readable-while-unavailable")
@pytest.mark.parametrize("changes", [{"ANTHROPIC_API_KEY": None}, {"IMBI_ASSISTANT_ENABLED": "false"}])
async def test_without_a_model_conversations_are_still_there(
    start_service: StartService, model_server: ModelServer, changes: dict[str, str | None]
) -> None:
    async with start_service().client() as before:
        conversation = await before.begin()
        model_server.script(reply(text("Hello")))
        await before.ask(conversation, "Hi")
        shown = await before.get(conversation)
    async with start_service(**changes).client() as client:
        created = await client.http.post("/conversations")
        asked = await client.post(conversation, "Hi")
        for response in (created, asked):
            assert (response.status_code, response.json()) == (503, UNAVAILABLE)
        assert await client.get(conversation) == shown
        assert conversation in [each["id"] for each in await client.list()]
        assert (await client.patch(conversation, title="Renamed", is_archived=True))["title"] == "Renamed"
        assert len(await client.messages(conversation)) == 2
        assert (await client.http.get("/status")).json()["status"] == "ok"
        await client.delete(conversation)
    assert len(model_server.chats) == 1


@pytest.mark.proves("availability.forced")
async def test_the_assistant_can_be_forced_on_without_a_key(
    start_service: StartService, model_server: ModelServer
) -> None:
    async with start_service(ANTHROPIC_API_KEY=None, IMBI_ASSISTANT_ENABLED="true").client() as client:
        model_server.script(reply(text("Hello")))
        assert (await client.ask(await client.begin(), "Hi")).text == "Hello"


@pytest.mark.proves("messages.full-is-400")
async def test_a_conversation_is_closed_when_it_is_full(start_service: StartService, model_server: ModelServer) -> None:
    async with start_service(IMBI_ASSISTANT_MAX_CONVERSATION_TURNS="2").client() as client:
        conversation = await client.begin()
        model_server.script(*[reply(text("Hello"))] * 5)
        answers = 0
        while (answer := await client.post(conversation, f"Hi {answers}")).status_code == 200:
            answers += 1
            assert answers < 5
        assert (answer.status_code, answer.json().keys()) == (400, {"detail"})
        assert "maximum" in answer.json()["detail"]
        stored = await client.messages(conversation)
        assert [message["content"] for message in stored] == ["Hi 0", "Hello", "Hi 1", "Hello"]
        assert (await client.patch(conversation, title="Full"))["title"] == "Full"
    assert len(model_server.chats) == answers
