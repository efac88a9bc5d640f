"""Warm requests open no connection to the model, whatever becomes of their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.aftermath import goes_on
from tests.support.background import served
from tests.support.model_server import http_error, reply, text, tool, wait
from tests.support.observed_api import ObservedApi

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_reply import Script
    from tests.support.model_server import ModelServer

_MESSAGE_STOP = 6
"""The index of `message_stop` in a reply of one short text."""
_OK: Script = reply(text("Hello"))

ANSWERS: dict[str, tuple[Script, ...]] = {
    "plain": (_OK,),
    "rounds": (*(reply(tool("navigate_to", {"path": f"/{number}"})) for number in range(5)), _OK),
    "overloaded": (http_error(529, "overloaded_error", retry_after_ms="1"), _OK),
    "refused": (http_error(400, "invalid_request_error", "messages: too odd", x_should_retry="false"),),
    "busy": (http_error(429, "rate_limit_error", x_should_retry="false"),),
}


async def warm(client: Client, model_server: ModelServer) -> str:
    """Begin a conversation whose title is set, after a first answer."""
    conversation = await client.begin()
    await client.patch(conversation, title="Warm")
    model_server.script(_OK)
    assert (await client.ask(conversation, "Hi")).done
    return conversation


@pytest.mark.proves("connections.model")
@pytest.mark.parametrize("kind", ANSWERS)
async def test_a_warm_answer_opens_no_connection(client: Client, model_server: ModelServer, kind: str) -> None:
    conversation = await warm(client, model_server)
    before = model_server.accepted
    for number in range(3):
        model_server.script(*ANSWERS[kind])
        await client.ask(conversation, f"Hi {number}")
    assert model_server.accepted == before
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("connections.model", "stop.anywhere")
async def test_an_answer_that_is_stopped_at_its_end_costs_no_connection(
    client: Client, model_server: ModelServer
) -> None:
    conversation = await warm(client, model_server)
    before = model_server.accepted
    for number in range(3):
        gate = model_server.gate()
        model_server.script(reply(text("Hello"), at={_MESSAGE_STOP: wait(gate)}))
        async with client.stream(conversation, f"Hi {number}") as stream:
            await gate.reached()
            await stream.until("text")
            response = await client.http.post(f"/conversations/{conversation}/stop")
            assert response.status_code == 204
            assert (await stream.rest()).done
            gate.open()
    await goes_on(client, conversation, model_server)
    assert model_server.accepted == before


@pytest.mark.proves("connections.stale")
async def test_connections_that_the_model_has_closed_fail_no_answer(client: Client, model_server: ModelServer) -> None:
    conversation = await warm(client, model_server)
    for _ in range(3):
        model_server.close_connections()
        model_server.script(_OK)
        assert (await client.ask(conversation, "Hi")).text == "Hello"


@pytest.mark.proves("connections.stale")
async def test_a_connection_that_ends_before_the_reply_fails_no_answer(
    client: Client, model_server: ModelServer
) -> None:
    conversation = await warm(client, model_server)
    gate = model_server.gate()
    model_server.script(reply(text("never seen"), first_byte=gate), _OK)
    async with client.stream(conversation, "Hi") as stream:
        await gate.reached()
        model_server.close_connections()
        assert (await stream.rest()).text == "Hello"
    gate.open()


@pytest.mark.proves("connections.api")
async def test_a_warm_answer_opens_no_connection_to_the_api(
    start_service: StartService, model_server: ModelServer
) -> None:
    api = ObservedApi()
    with served(api.app) as url:
        async with start_service(IMBI_INTERNAL_API_URL=url).client() as client:
            conversation = await warm(client, model_server)
            for _ in range(3):
                calls = (
                    tool("echo", {"text": "x"}),
                    tool("fail", {"status": 404}),
                    tool("long_text", {"size": 500_000}),
                )
                model_server.script(*(reply(call) for call in calls), _OK)
                assert (await client.ask(conversation, "Hi")).text == "Hello"
    assert len(api.calls) == 9
    assert len(api.connections) == 1
