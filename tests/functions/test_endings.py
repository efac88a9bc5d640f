"""However an answer ends: it is told once, what was said is kept, and the conversation goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import (
    Reply,
    cut,
    empty,
    end,
    error,
    http_error,
    raw,
    redacted_thinking,
    reply,
    reset,
    server_tool,
    stall,
    text,
    thinking,
    tool,
    wait,
)

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.imbi import ImbiApi
    from tests.support.model_server import HttpError, ModelServer
    from tests.support.sse import Answer

INTERNALS = ("traceback", "exception", "anthropic", "httpx", "127.0.0.1", "error_type", "{", "_error", "psycopg")


async def goes_on(client: Client, conversation: str, model_server: ModelServer) -> list[dict[str, Any]]:
    """Ask once more: the model server refuses a history that the API would refuse. Gives what was stored before."""
    stored = [*await client.messages(conversation)]
    model_server.script(reply(text("It goes on.")))
    answer = await client.ask(conversation, "And now?")
    assert answer.text == "It goes on."
    assert answer.done
    sequences = [message["sequence"] for message in await client.messages(conversation)]
    assert sequences == list(range(len(stored) + 2))
    return stored


def is_plain(message: str) -> bool:
    return message.endswith(".") and not any(internal in message.lower() for internal in INTERNALS)


@pytest.mark.proves("turn.max-tokens", "turn.replayable")
async def test_a_text_that_was_cut_off_is_kept(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("It is a long"), stop="max_tokens"))
    answer = await client.ask(conversation, "Hi")
    assert answer.text.startswith("It is a long")
    assert answer.done["stop_reason"] == "max_tokens"
    stored = await goes_on(client, conversation, model_server)
    assert stored[-1]["content"] == answer.text


@pytest.mark.proves("turn.max-tokens", "turn.replayable")
@pytest.mark.parametrize("half", ['{"text": "a', '{"text": "a"}', ""])
async def test_a_call_that_was_cut_off_is_not_run(
    api_client: Client, api: ImbiApi, model_server: ModelServer, half: str
) -> None:
    conversation = await api_client.begin()
    model_server.script(reply(text("Let me see."), tool("echo", half), stop="max_tokens"))
    answer = await api_client.ask(conversation, "Hi")
    assert answer.text.startswith("Let me see.")
    assert answer.done["stop_reason"] == "max_tokens"
    assert answer.of("tool_executing", "tool_result") == []
    stored = await goes_on(api_client, conversation, model_server)
    assert stored[-1]["tool_use"] is None
    assert api.calls == []


@pytest.mark.proves("turn.refusal", "turn.replayable")
@pytest.mark.parametrize("said", [(), (text("I will"),), (thinking("Hm"),), (thinking("Hm"), text("I"), tool("echo"))])
async def test_a_refusal_ends_the_answer(client: Client, model_server: ModelServer, said: tuple[Any, ...]) -> None:
    conversation = await client.begin()
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    model_server.script(reply(*said, stop="refusal", stop_details=details))
    answer = await client.ask(conversation, "Hi")
    assert answer.done["stop_reason"] == "refusal"
    assert answer.text.strip()
    stored = await goes_on(client, conversation, model_server)
    assert stored[-1]["content"] == answer.text


@pytest.mark.proves("turn.context-exceeded", "turn.replayable")
async def test_a_context_that_is_full_is_said(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("It is"), stop="model_context_window_exceeded"))
    answer = await client.ask(conversation, "Hi")
    assert answer.done["stop_reason"] == "model_context_window_exceeded"
    assert "too long" in answer.text
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("turn.context-exceeded", "stream.error")
async def test_a_prompt_that_is_too_long_is_said(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    for failure in (
        http_error(400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"),
        http_error(413, "request_too_large", "Request exceeds the maximum size"),
    ):
        model_server.clear()
        model_server.script(*[failure] * 10)  # it is tried again with less
        problem = (await client.ask(conversation, "Hi")).error
        assert (problem["code"], problem["retryable"]) == ("context_overflow", False)
        assert "too long" in problem["message"]


@pytest.mark.proves("turn.pause-turn")
async def test_a_pause_is_continued(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    paused = (text("Searching."), server_tool("web_search", {"query": "imbi"}, call_id="srvtoolu_1"))
    model_server.script(reply(*paused, stop="pause_turn"), reply(text("Found it.")))
    answer = await client.ask(conversation, "Hi")
    assert answer.text == "Searching.Found it."
    assert answer.done["stop_reason"] == "end_turn"
    continued = model_server.chats[1].messages
    assert [message["role"] for message in continued] == ["user", "assistant"]
    assert continued[-1]["content"][1]["type"] == "server_tool_use"
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("turn.empty-answer", "turn.replayable")
@pytest.mark.parametrize(
    "said",
    [(), (text(""),), (text(" \n"),), (thinking("Hm"),), (redacted_thinking(),)],
    ids=["nothing", "empty", "blank", "thought", "hidden thought"],
)
async def test_an_answer_without_text_ends_in_order(
    client: Client, model_server: ModelServer, said: tuple[Any, ...]
) -> None:
    conversation = await client.begin()
    model_server.script(reply(*said))
    answer = await client.ask(conversation, "Hi")
    assert answer.done["stop_reason"] == "end_turn"
    assert answer.text.strip()
    stored = await goes_on(client, conversation, model_server)
    assert all(message["content"].strip() for message in stored)


@pytest.mark.proves("turn.empty-answer", "turn.replayable")
async def test_nothing_after_a_tool_ends_in_order(api_client: Client, model_server: ModelServer) -> None:
    conversation = await api_client.begin()
    model_server.script(reply(tool("echo", {"text": "a"})), reply())
    answer = await api_client.ask(conversation, "Hi")
    assert answer.done
    assert answer.text.strip()
    await goes_on(api_client, conversation, model_server)


@pytest.mark.proves("turn.replayable")
async def test_a_stop_for_tools_without_a_tool_ends_in_order(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("Hello"), stop="tool_use"), *[reply(text("Well"), stop="tool_use")] * 10)
    assert (await client.ask(conversation, "Hi")).end.name in {"done", "error"}
    model_server.clear()
    await goes_on(client, conversation, model_server)


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
    assert answer.error.keys() == {"message", "code", "retryable"}
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
async def test_an_error_in_mid_stream_keeps_what_was_said(
    client: Client, model_server: ModelServer, answered: Reply, code: str | None, *, retryable: bool
) -> None:
    conversation = await client.begin()
    model_server.script(answered)
    answer = await client.ask(conversation, "Hi")
    await assert_kept(client, conversation, model_server, answer)
    assert answer.error["retryable"] is retryable
    assert code is None or answer.error["code"] == code


async def assert_kept(client: Client, conversation: str, model_server: ModelServer, answer: Answer) -> None:
    assert answer.text == "It begins"
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
async def test_a_lost_connection_keeps_what_was_said(
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
async def test_a_round_that_was_finished_is_kept_when_the_next_fails(
    api_client: Client, model_server: ModelServer
) -> None:
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
    api_client: Client, api: ImbiApi, model_server: ModelServer
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
async def test_when_the_client_goes_away_what_was_said_is_stored(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("It ", "begins", stall())))
    async with client.stream(conversation, "Hi") as stream:
        await stream.until(lambda event: event.data == {"text": "begins"})
    await model_server.wait_closed(model_server.chats[0])
    stored = await goes_on(client, conversation, model_server)
    assert [message["content"] for message in stored[:2]] == ["Hi", "It begins"]


@pytest.mark.proves("turn.client-gone", "turn.replayable", "turn.round-is-atomic")
async def test_when_the_client_goes_away_the_tools_stop(
    api_client: Client, api: ImbiApi, model_server: ModelServer
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
