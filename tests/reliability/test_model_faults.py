"""Whatever the model's API does, an answer ends once, what is stored can be replayed, and the next question works."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.aftermath import check_error, goes_on
from tests.support.model_reply import Envelope, Frame
from tests.support.model_server import (
    Failure,
    block,
    cut,
    empty,
    end,
    error,
    event,
    http_error,
    ping,
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
from tests.support.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.conftest import StartService
    from tests.support.client import Client, Json
    from tests.support.database import Database
    from tests.support.model_reply import Answer, Part, Step
    from tests.support.model_server import ModelServer

IDLE_SECONDS = 0.4
SECRET = "SECRET-of-the-upstream"

FAULTS: dict[str, tuple[Callable[[], Part | Failure], str]] = {
    "error-event": (lambda: error("overloaded_error", SECRET), "overloaded"),
    "reset": (reset, "connection_lost"),
    "cut": (cut, "connection_lost"),
    "early-end": (end, "connection_lost"),
    "broken-line": (lambda: raw(b"event: message_delta\ndata: {broken\n\n"), "connection_lost"),
    "no-object": (lambda: raw(b"data: [1]\n\n"), "connection_lost"),
}
PLAIN: tuple[Step, ...] = (text("Hel", "lo."), text("Bye."))
PLAIN_EVENTS = 11
CALLING_EVENTS = 15


def calling() -> tuple[Step, ...]:
    """A reply that thinks, speaks and calls; no call has the id of another."""
    return thinking("Hm"), text("Let me see."), tool("navigate_to", {"path": "/projects"})


def said_before(steps: tuple[Step, ...], index: int) -> str:
    """What of a scripted reply's text goes out before an event."""
    said, place = "", 1
    for number, step in enumerate(steps):
        for part in step.parts(number):  # type: ignore[union-attr]  # these scripts have blocks alone
            if place < index and b'"text_delta"' in part.data:  # type: ignore[union-attr]  # and no controls
                said += str(part.data.decode().split('"text":"')[1].split('"')[0])  # type: ignore[union-attr]  # as above
            place += 2 if place == 1 else 1  # a ping follows the first event of the first block
    return said


@pytest.fixture(scope="module")
def _impatient(variables: dict[str, str]) -> Iterator[Service]:
    with Service(variables | {"IMBI_ASSISTANT_MODEL_IDLE_SECONDS": str(IDLE_SECONDS)}) as running:
        yield running


@pytest.fixture
async def impatient(_impatient: Service, model_server: ModelServer) -> AsyncIterator[Client]:  # noqa: ARG001  # its script is the test's
    """Give a client of a service that does not wait long for the model."""
    async with _impatient.client() as client:
        yield client


@pytest.mark.proves("turn.replayable", "stream.one-terminal-event", "turn.connection-lost", "turn.error-in-stream")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_at_each_event_of_a_text(
    client: Client, model_server: ModelServer, database: Database, fault: str
) -> None:
    """One conversation goes through all of them: each question is the one that must work after the fault before."""
    conversation = await client.begin()
    make, code = FAULTS[fault]
    expected: list[tuple[str, bool | None]] = []
    for index in range(PLAIN_EVENTS):
        model_server.script(reply(*PLAIN, at={index: make()}))
        answer = await client.ask(conversation, f"before {index}")
        check_error(answer.error, code)
        assert answer.error["retryable"] is True
        assert answer.text == said_before(PLAIN, index)
        assert len(model_server.chats) == index + 1, "it was tried again after the first byte"
        expected += [(f"before {index}", None), *([(answer.text, True)] if answer.text else [])]
    await goes_on(client, conversation, model_server)
    stored = await database.cypher(
        "MATCH (m:Message) WHERE m.conversation_id = $id RETURN [m.sequence, m.content, m.is_partial]", id=conversation
    )
    assert [(content, is_partial) for _, content, is_partial in sorted(stored)[:-2]] == expected


@pytest.mark.proves("turn.replayable", "stream.one-terminal-event", "turn.connection-lost", "turn.error-in-stream")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_at_each_event_of_a_call(client: Client, model_server: ModelServer, fault: str) -> None:
    conversation = await client.begin()
    make, code = FAULTS[fault]
    expected = []
    for index in range(CALLING_EVENTS):
        model_server.script(reply(*calling(), at={index: make()}))
        answer = await client.ask(conversation, f"before {index}")
        check_error(answer.error, code)
        assert "client_action" not in answer.names, "a half-written call was run"
        expected += [f"before {index}", *([answer.text] if answer.text else [])]
    before = await goes_on(client, conversation, model_server)
    assert all(message["tool_use"] is None for message in before)
    assert [message["content"] for message in before] == expected


@pytest.mark.proves("turn.replayable", "turn.round-is-atomic", "turn.connection-lost")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_after_a_round_keeps_the_round(client: Client, model_server: ModelServer, fault: str) -> None:
    conversation = await client.begin()
    make, code = FAULTS[fault]
    expected = []
    for index in (0, 4, PLAIN_EVENTS - 1):
        model_server.script(reply(*calling()), reply(*PLAIN, at={index: make()}))
        check_error((await client.ask(conversation, f"before {index}")).error, code)
        said = said_before(PLAIN, index)
        expected += [f"before {index}", "Let me see.", "", *([said] if said else [])]
    before = await goes_on(client, conversation, model_server)
    assert [message["content"] for message in before] == expected
    assert model_server.chats[-1].messages[1]["content"][0]["type"] == "thinking"


@pytest.mark.proves("turn.connection-lost", "faults.stall")
async def test_a_model_that_falls_silent_is_given_up(impatient: Client, model_server: ModelServer) -> None:
    conversation = await impatient.begin()
    for index in (0, 1, 4, 6, PLAIN_EVENTS - 1):
        model_server.script(reply(*PLAIN, at={index: stall()}))
        began = time.monotonic()
        answer = await impatient.ask(conversation, "Hi")
        check_error(answer.error, "timeout")
        assert IDLE_SECONDS <= time.monotonic() - began < IDLE_SECONDS + 2
        assert answer.text == said_before(PLAIN, index)
        await model_server.wait_closed(model_server.chats[-1], 2)
    await goes_on(impatient, conversation, model_server)


@pytest.mark.proves("faults.stall")
async def test_pings_alone_do_not_keep_a_silent_model_alive(impatient: Client, model_server: ModelServer) -> None:
    conversation = await impatient.begin()
    gates = [model_server.gate() for _ in range(20)]
    steps: list[Step] = [text("Hel")]
    for gate in gates:
        steps += [ping(), wait(gate)]
    model_server.script(reply(*steps))
    async with impatient.stream(conversation, "Hi") as stream:
        await stream.until("content_block_stop")
        for gate in gates:
            try:
                await gate.reached(IDLE_SECONDS)
            except TimeoutError:
                break
            gate.open()
            await asyncio.sleep(0.05)
        answer = await stream.rest()
    check_error(answer.error, "timeout")
    await goes_on(impatient, conversation, model_server)


@pytest.mark.proves("faults.first-byte")
async def test_a_first_byte_that_does_not_come_is_given_up(impatient: Client, model_server: ModelServer) -> None:
    conversation = await impatient.begin()
    model_server.script(*(reply(text("Late"), first_byte=model_server.gate()) for _ in range(3)))
    began = time.monotonic()
    check_error((await impatient.ask(conversation, "Hi")).error, "timeout")
    assert time.monotonic() - began < IDLE_SECONDS + 1
    model_server.clear()
    await goes_on(impatient, conversation, model_server)


@pytest.mark.proves("faults.first-byte", "turn.overload-is-retryable")
async def test_a_long_retry_after_is_not_waited_for(impatient: Client, model_server: ModelServer) -> None:
    conversation = await impatient.begin()
    model_server.script(*(http_error(429, "rate_limit_error", SECRET, retry_after="30") for _ in range(3)))
    began = time.monotonic()
    answer = await impatient.ask(conversation, "Hi")
    assert time.monotonic() - began < IDLE_SECONDS + 1
    assert answer.error["retryable"] is True
    assert answer.error["code"] in {"timeout", "rate_limited"}
    model_server.clear()
    await goes_on(impatient, conversation, model_server)


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
        check_error((await client.ask(conversation, "Hi")).error, code)
    assert len(model_server.chats) == len(ERROR_EVENTS)
    before = await goes_on(client, conversation, model_server)
    assert [message["content"] for message in before] == ["Hi", "Hel"] * len(ERROR_EVENTS)


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
async def test_malformed_input_is_told_to_the_model(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    for number, written in enumerate(MALFORMED):
        model_server.script(reply(tool("navigate_to", written, call_id=f"toolu_{number}")), reply(text("I see.")))
        answer = await client.ask(conversation, "Hi")
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
    ("tea_break", (text("Hel"), tool("navigate_to", {"path": "/projects"}))),
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
async def test_every_ending_is_told_and_stored(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    told = []
    for stop, steps in ENDINGS:
        model_server.script(reply(*steps, stop=stop))
        answer = await client.ask(conversation, "Hi")
        assert answer.done["stop_reason"] == stop
        assert answer.text.strip(), f"nothing was said for {stop}"
        assert "client_action" not in answer.names
        told.append((answer.done["message_id"], answer.text.strip()))
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
async def test_a_history_that_is_too_long_is_shortened_and_the_user_told(
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
    assert "too long" in answer.text
    lengths = [len(request.messages) for request in model_server.chats[-3:]]
    assert lengths[0] > lengths[1] > lengths[2] >= 1
    assert len(await goes_on(client, conversation, model_server)) == 10


@pytest.mark.proves("faults.overflow", "turn.context-exceeded")
@pytest.mark.parametrize("status", [400, 413])
async def test_what_cannot_be_shortened_is_told(client: Client, model_server: ModelServer, status: int) -> None:
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


@pytest.mark.proves("turn.unknown-blocks")
async def test_events_that_nobody_knows_pass(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    unknown = event("weather", {"type": "weather", "index": 7})
    model_server.script(*(reply(*PLAIN, at={index: unknown}) for index in range(PLAIN_EVENTS)))
    for _ in range(PLAIN_EVENTS):
        assert (await client.ask(conversation, "Hi")).text == "Hello.Bye."
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("faults.framing")
async def test_lines_may_end_in_any_way_and_anywhere(client: Client, model_server: ModelServer) -> None:
    """The frames come cut into single bytes and with CRLF, as through some proxies."""
    whole = b"".join(part.data for part in Envelope("msg_1", "m", {}).parts(reply(*PLAIN)) if isinstance(part, Frame))
    crlf = whole.replace(b"\n", b"\r\n")
    gate = model_server.gate()
    gate.open()
    pieces: list[Step] = []
    for i in range(0, len(crlf), 3):
        pieces += [raw(crlf[i : i + 3]), wait(gate)]
    model_server.script(reply(*pieces, at={0: raw(b"\r\n")}))
    conversation = await client.begin()
    assert (await client.ask(conversation, "Hi")).text == "Hello.Bye."
    await goes_on(client, conversation, model_server)
