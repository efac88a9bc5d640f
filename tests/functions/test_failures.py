"""For every failure of an answer, the client gets one error, the text so far is stored, and the turn can go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.aftermath import goes_on
from tests.support.model_server import (
    Reply,
    cut,
    empty,
    end,
    error,
    http_error,
    raw,
    reply,
    reset,
    stall,
    text,
    thinking,
    tool,
    wait,
)
from tests.support.plain_words import is_plain

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import HttpError, ModelServer
    from tests.support.observed_api import ObservedApi
    from tests.support.sse import Answer


TWICE = {"x_should_retry": "false"}
BEFORE = [
    (http_error(529, "overloaded_error", "Overloaded", **TWICE), "overloaded", True),
    (http_error(503, "api_error", "Service Unavailable", **TWICE), None, True),
    (http_error(429, "rate_limit_error", "Slow down", **TWICE), "rate_limited", True),
    (http_error(504, "timeout_error", "Too slow", **TWICE), "timeout", True),
    (http_error(500, "api_error", "Internal server error at 10.0.0.1", **TWICE), None, True),
    (http_error(400, "invalid_request_error", "tools.0.name: bad", **TWICE), "invalid_request", False),
    (http_error(404, "not_found_error", "model: claude-none", **TWICE), "invalid_request", False),
    (http_error(401, "authentication_error", "invalid x-api-key sk-ant-123", **TWICE), "authentication", False),
    (http_error(403, "permission_error", "No access", **TWICE), "authentication", False),
    (http_error(402, "billing_error", "No credit", **TWICE), "authentication", False),
]


@pytest.mark.proves("turn.error-before-stream", "turn.overload-is-retryable", "stream.error")
@pytest.mark.parametrize(("failure", "code", "retryable"), BEFORE, ids=[str(case[0].status) for case in BEFORE])
async def test_an_error_before_the_stream_ends_the_answer(
    client: Client, model_server: ModelServer, failure: HttpError, code: str | None, *, retryable: bool
) -> None:
    conversation = await client.begin()
    model_server.script(failure)
    answer = await client.ask(conversation, "Hi")
    assert answer.names == ["error"]
    assert answer.error.keys() - {"retry_after"} == {"message", "code", "retryable", "request_id"}
    assert answer.error["retryable"] is retryable
    assert code is None or answer.error["code"] == code
    assert is_plain(answer.error["message"])
    assert "sk-ant" not in answer.error["message"]
    assert "10.0.0.1" not in answer.error["message"]
    stored = await goes_on(client, conversation, model_server)
    assert [message["content"] for message in stored] == ["Hi"]


@pytest.mark.proves("turn.error-before-stream")
async def test_errors_that_pass_are_tried_again_before_the_stream(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    overloaded = http_error(529, "overloaded_error", "Overloaded")
    model_server.script(overloaded, overloaded, reply(text("Hello")))
    assert (await client.ask(conversation, "Hi")).text == "Hello"
    assert len(await client.messages(conversation)) == 2


def said_and(*steps: Any) -> Reply:
    return reply(text("It ", "begins"), *steps)


IN_STREAM = [
    ("overloaded", said_and(error("overloaded_error", "Overloaded")), "overloaded", True),
    ("rate limited", said_and(error("rate_limit_error", "Slow down")), "rate_limited", True),
    ("api error", said_and(error("api_error", "psycopg failed at 127.0.0.1")), None, True),
    ("unknown error", said_and(error("strange_error", "{}")), None, True),
]


@pytest.mark.proves("turn.error-in-stream", "turn.overload-is-retryable", "stream.error", "stream.one-terminal-event")
@pytest.mark.parametrize(("answered", "code", "retryable"), [case[1:] for case in IN_STREAM])
async def test_an_error_during_a_stream_keeps_the_text_before_it(
    client: Client, model_server: ModelServer, answered: Reply, code: str | None, *, retryable: bool
) -> None:
    conversation = await client.begin()
    model_server.script(answered)
    answer = await client.ask(conversation, "Hi")
    await assert_kept(client, conversation, model_server, answer)
    assert answer.error["retryable"] is retryable
    assert code is None or answer.error["code"] == code


async def assert_kept(client: Client, conversation: str, model_server: ModelServer, answer: Answer) -> None:
    assert answer.said == "It begins"
    assert is_plain(answer.error["message"])
    stored = await goes_on(client, conversation, model_server)
    assert [message["content"] for message in stored] == ["Hi", "It begins"]
    replayed = json.dumps(model_server.chats[-1].messages)
    assert "It begins" in replayed


LOST = [
    ("reset", said_and(reset())),
    ("cut", said_and(cut())),
    ("ended early", said_and(end())),
    ("broken line", said_and(raw(b"event: content_block_delta\ndata: {broken\n\n"))),
    ("no object", said_and(raw(b"event: content_block_delta\ndata: []\n\n"))),
    ("no block", said_and(raw(b'data: {"type": "content_block_delta", "index": 9, "delta": {}}\n\n'))),
    ("in a call", said_and(tool("echo", {"text": "a"}), reset())),
    ("in a thought", said_and(thinking("Hm", cut()))),
]


@pytest.mark.proves("turn.connection-lost", "turn.replayable")
@pytest.mark.parametrize("answered", [case[1] for case in LOST], ids=[case[0] for case in LOST])
async def test_a_lost_connection_keeps_the_text_before_it(
    client: Client, model_server: ModelServer, answered: Reply
) -> None:
    conversation = await client.begin()
    model_server.script(answered)
    await assert_kept(client, conversation, model_server, await client.ask(conversation, "Hi"))


@pytest.mark.proves("turn.connection-lost", "turn.overload-is-retryable")
async def test_a_model_that_falls_silent_is_given_up(start_service: StartService, model_server: ModelServer) -> None:
    model_server.script(said_and(stall()))
    async with start_service(IMBI_ASSISTANT_MODEL_IDLE_SECONDS="0.5").client() as client:
        conversation = await client.begin()
        answer = await client.ask(conversation, "Hi")
        await assert_kept(client, conversation, model_server, answer)
    assert (answer.error["code"], answer.error["retryable"]) == ("timeout", True)


@pytest.mark.proves("turn.connection-lost")
async def test_a_stream_without_an_event_ends_the_answer(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(empty())
    assert (await client.ask(conversation, "Hi")).names == ["error"]
    assert [message["content"] for message in await goes_on(client, conversation, model_server)] == ["Hi"]


@pytest.mark.proves("turn.round-is-atomic", "turn.error-in-stream")
async def test_a_finished_round_is_stored_when_the_next_fails(api_client: Client, model_server: ModelServer) -> None:
    conversation = await api_client.begin()
    model_server.script(
        reply(text("Wait."), tool("echo", {"text": "a"}, call_id="toolu_1")), said_and(error("overloaded_error"))
    )
    answer = await api_client.ask(conversation, "Hi")
    assert answer.error["code"] == "overloaded"
    question, called, returned, partial = await goes_on(api_client, conversation, model_server)
    assert question["content"] == "Hi"
    assert [call["id"] for call in called["tool_use"]] == ["toolu_1"]
    assert [result["tool_use_id"] for result in returned["tool_results"]] == ["toolu_1"]
    assert partial["content"] == "It begins"


@pytest.mark.proves("turn.round-is-atomic", "turn.connection-lost", "turn.replayable")
async def test_a_call_without_an_end_is_not_stored_without_a_result(
    api_client: Client, api: ObservedApi, model_server: ModelServer
) -> None:
    conversation = await api_client.begin()
    model_server.script(reply(text("It ", "begins"), tool("echo", {"text": "a"}), tool("whoami"), at={11: reset()}))
    answer = await api_client.ask(conversation, "Hi")
    assert answer.error
    stored = await goes_on(api_client, conversation, model_server)
    called = {call["id"] for message in stored for call in message["tool_use"] or ()}
    returned = {result["tool_use_id"] for message in stored for result in message["tool_results"] or ()}
    assert called == returned
    assert api.calls == []


@pytest.mark.proves("turn.client-gone", "turn.replayable")
async def test_when_the_client_goes_away_the_text_so_far_is_stored(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("It ", "begins", stall())))
    async with client.stream(conversation, "Hi") as stream:
        await stream.until(lambda event: event.data == {"text": "begins"})
    await model_server.wait_closed(model_server.chats[0])
    stored = await goes_on(client, conversation, model_server)
    assert [message["content"] for message in stored[:2]] == ["Hi", "It begins"]


@pytest.mark.proves("turn.client-gone", "turn.replayable", "turn.round-is-atomic")
async def test_when_the_client_goes_away_the_tools_stop(
    api_client: Client, api: ObservedApi, model_server: ModelServer
) -> None:
    conversation = await api_client.begin()
    model_server.script(reply(text("Wait."), tool("hang", call_id="toolu_1")))
    async with api_client.stream(conversation, "Hi") as stream:
        await stream.until("tool_executing")
    stored = await goes_on(api_client, conversation, model_server)
    assert [message["content"] for message in stored[:2]] == ["Hi", "Wait."]
    assert len(model_server.chats) == 2
    assert api.calls in ([], ["/api/hang"])


@pytest.mark.proves("turn.client-gone")
async def test_a_client_that_goes_away_before_the_first_word_leaves_its_question(
    client: Client, model_server: ModelServer
) -> None:
    conversation = await client.begin()
    hold = model_server.gate()
    model_server.script(reply(text("Hello", wait(hold)), first_byte=hold))
    async with client.stream(conversation, "Hi"):
        await hold.reached()
    await model_server.wait_closed(model_server.chats[0])
    stored = await goes_on(client, conversation, model_server)
    assert stored[0]["content"] == "Hi"
    assert "Hello" not in [message["content"] for message in stored]
