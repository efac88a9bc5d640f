"""Errors and endings that the model's API reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.aftermath import check_error, goes_on
from tests.support.model_server import (
    block,
    empty,
    error,
    http_error,
    redacted_thinking,
    reply,
    server_tool,
    text,
    thinking,
    tool,
)
from tests.support.plain_replies import SECRET, calling
from tests.support.ui_store import UiStore

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client, Json
    from tests.support.model_reply import Answer
    from tests.support.model_server import ModelServer
    from tests.support.model_steps import Step


STATUSES = (
    (400, "invalid_request_error", "invalid_request", 1),
    (401, "authentication_error", "authentication", 1),
    (402, "billing_error", "authentication", 1),
    (403, "permission_error", "authentication", 1),
    (404, "not_found_error", "invalid_request", 1),
    (408, "timeout_error", "timeout", 3),
    (422, "unheard_of_error", "invalid_request", 1),
    (429, "rate_limit_error", "rate_limited", 3),
    (500, "api_error", "internal", 3),
    (502, "unheard_of_error", "internal", 3),
    (503, "unheard_of_error", "overloaded", 3),
    (504, "timeout_error", "timeout", 3),
    (529, "overloaded_error", "overloaded", 3),
)
PASSING = {"timeout", "rate_limited", "internal", "overloaded", "connection_lost"}


@pytest.mark.proves("turn.error-before-stream", "turn.overload-is-retryable", "faults.retries")
async def test_an_error_before_the_stream(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    for status, kind, code, tries in STATUSES:
        asked = len(model_server.chats)
        model_server.script(*(http_error(status, kind, SECRET) for _ in range(tries)))
        answer = await client.ask(conversation, f"status {status}")
        check_error(answer.error, code)
        assert answer.error["retryable"] is (code in PASSING)
        assert answer.names == ["error"]
        assert (len(model_server.chats) - asked, model_server.unsaid) == (tries, 0)
    before = await goes_on(client, conversation, model_server)
    assert [message["content"] for message in before] == [f"status {each[0]}" for each in STATUSES]


@pytest.mark.proves("faults.retries")
@pytest.mark.parametrize("failures", [1, 2])
async def test_an_error_that_passes_in_time_is_not_seen(
    client: Client, model_server: ModelServer, failures: int
) -> None:
    conversation = await client.begin()
    model_server.script(*(http_error(529, "overloaded_error") for _ in range(failures)), reply(text("Hello")))
    answer = await client.ask(conversation, "Hi")
    assert (answer.text, answer.end.name) == ("Hello", "done")
    assert len(model_server.chats) == failures + 1
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("turn.connection-lost")
async def test_an_empty_200_is_a_lost_connection(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(empty())
    check_error((await client.ask(conversation, "Hi")).error, "connection_lost")
    await goes_on(client, conversation, model_server)


ERROR_EVENTS = {
    "overloaded_error": "overloaded",
    "rate_limit_error": "rate_limited",
    "timeout_error": "timeout",
    "invalid_request_error": "invalid_request",
    "authentication_error": "authentication",
    "permission_error": "authentication",
    "request_too_large": "context_overflow",
    "api_error": "internal",
    "unheard_of_error": "internal",
    "": "internal",
}


@pytest.mark.proves("faults.codes")
async def test_an_error_event_has_its_code(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    for kind, code in ERROR_EVENTS.items():
        model_server.script(reply(text("Hel"), error(kind, SECRET)))
        check_error((await client.ask(conversation, f"Hi {kind}")).error, code)
    assert len(model_server.chats) == len(ERROR_EVENTS)
    before = await goes_on(client, conversation, model_server)
    expected = [content for kind in ERROR_EVENTS for content in (f"Hi {kind}", "Hel")]
    assert [message["content"] for message in before] == expected


MALFORMED = (
    '{"path": "/proj',
    "[1]",
    '"path"',
    "null",
    "{}{}",
    '{"path": NaN}',
    '{"path": 1e400}',
    "{" * 2000,
    '{"a":' * 300 + "1" + "}" * 300,
)


@pytest.mark.proves("turn.malformed-input", "turn.replayable")
async def test_malformed_input_is_reported_to_the_model(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    for number, written in enumerate(MALFORMED):
        model_server.script(reply(tool("navigate_to", written, call_id=f"toolu_{number}")), reply(text("I see.")))
        answer = await client.ask(conversation, f"Hi {number}")
        assert answer.done["stop_reason"] == "end_turn"
        assert "client_action" not in answer.names
        assert model_server.chats[-1].results[f"toolu_{number}"]["is_error"] is True
    await goes_on(client, conversation, model_server)


ENDINGS = (
    ("end_turn", (text("Hello"),)),
    ("stop_sequence", (text("Hello"),)),
    ("max_tokens", (text("Hel"),)),
    ("max_tokens", (text("Hel"), tool("navigate_to", '{"path": "/pro'))),
    ("max_tokens", (thinking("Hm"),)),
    ("max_tokens", ()),
    ("refusal", (text("I"),)),
    ("refusal", ()),
    ("model_context_window_exceeded", (text("Hel"),)),
    ("tea_break", (text("Hello"),)),
    ("end_turn", ()),
    ("end_turn", (text(" \n "),)),
    ("end_turn", (redacted_thinking(),)),
    ("end_turn", (block({"type": "hologram"}),)),
)


@pytest.mark.proves(
    "turn.replayable",
    "turn.max-tokens",
    "turn.refusal",
    "turn.empty-answer",
    "turn.unknown-blocks",
    "turn.context-exceeded",
)
async def test_every_stop_reason_is_reported_and_stored(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    told = []
    for number, (stop, steps) in enumerate(ENDINGS):
        model_server.script(reply(*steps, stop=stop))
        answer = await client.ask(conversation, f"Hi {number}")
        assert answer.done["stop_reason"] == stop
        assert answer.text.strip(), f"nothing was said for {stop}"
        assert "client_action" not in answer.names
        told.append((answer.done["message_id"], UiStore.after(answer.events).bubble.strip()))
    before = await goes_on(client, conversation, model_server)
    assert [(message["id"], message["content"].strip()) for message in before[1::2]] == told


@pytest.mark.proves("turn.pause-turn", "turn.replayable")
async def test_a_paused_turn_goes_on_by_itself(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("First. "), server_tool("web_search"), stop="pause_turn"), reply(text("Then.")))
    answer = await client.ask(conversation, "Hi")
    assert (answer.text, answer.done["stop_reason"]) == ("First. Then.", "end_turn")
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("turn.round-limit", "turn.replayable")
@pytest.mark.parametrize("last", [(text("At last."),), (tool("navigate_to", {"path": "/projects"}),), ()])
async def test_the_round_limit_ends_in_an_answer(
    start_service: StartService, model_server: ModelServer, last: tuple[Step, ...]
) -> None:
    service = start_service(IMBI_ASSISTANT_MAX_TOOL_ROUNDS="2")
    async with service.client() as client:
        conversation = await client.begin()
        model_server.script(reply(*calling()), reply(*calling()), reply(*last))
        answer = await client.ask(conversation, "Hi")
        assert answer.text.strip()
        assert answer.done
        await goes_on(client, conversation, model_server)


@pytest.mark.proves("faults.overflow", "turn.replayable")
async def test_a_history_that_is_too_long_is_shortened_and_the_user_is_told(
    client: Client, model_server: ModelServer
) -> None:
    conversation = await client.begin()
    for number in range(4):
        model_server.script(reply(text(f"answer {number}")))
        await client.ask(conversation, f"question {number}")
    too_long = http_error(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")
    model_server.script(too_long, too_long, reply(text("Hello")))
    answer = await client.ask(conversation, "Hi")
    assert answer.done
    assert answer.text.endswith("Hello")
    assert "very long" in answer.text
    lengths = [len(request.messages) for request in model_server.chats[-3:]]
    assert lengths[0] > lengths[1] > lengths[2] >= 1
    assert len(await goes_on(client, conversation, model_server)) == 10


@pytest.mark.proves("faults.overflow", "turn.context-exceeded")
@pytest.mark.parametrize("status", [400, 413])
async def test_a_history_that_cannot_be_shortened_is_reported(
    client: Client, model_server: ModelServer, status: int
) -> None:
    conversation = await client.begin()

    def refuse(_body: Json) -> Answer:
        kind = "invalid_request_error" if status == 400 else "request_too_large"
        return http_error(status, kind, f"prompt is too long {SECRET}")

    model_server.script(*[refuse] * 10)
    answer = await client.ask(conversation, "Hi")
    check_error(answer.error, "context_overflow")
    assert answer.error["retryable"] is False
    model_server.clear()
    await goes_on(client, conversation, model_server)
