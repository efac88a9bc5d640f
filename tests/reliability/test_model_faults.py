"""The model's stream breaks off, stalls or is malformed at any event."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.aftermath import check_error, goes_on
from tests.support.model_reply import Envelope
from tests.support.model_server import (
    Failure,
    cut,
    end,
    error,
    event,
    http_error,
    ping,
    raw,
    reply,
    reset,
    stall,
    text,
    wait,
)
from tests.support.model_steps import Frame
from tests.support.plain_replies import CALLING_EVENTS, PLAIN, PLAIN_EVENTS, SECRET, calling, said_before
from tests.support.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.model_steps import Part, Step

IDLE_SECONDS = 0.4

FAULTS: dict[str, tuple[Callable[[], Part | Failure], str]] = {
    "error-event": (lambda: error("overloaded_error", SECRET), "overloaded"),
    "reset": (reset, "connection_lost"),
    "cut": (cut, "connection_lost"),
    "early-end": (end, "connection_lost"),
    "broken-line": (lambda: raw(b"event: message_delta\ndata: {broken\n\n"), "connection_lost"),
    "no-object": (lambda: raw(b"data: [1]\n\n"), "connection_lost"),
}

RETRIED = "error-event"
WITH_RETRIES_SLOW = [pytest.param(fault, marks=[pytest.mark.slow] if fault == RETRIED else []) for fault in FAULTS]
"""A reply begins with events that show nothing: there the service waits twice before it gives up.

The fast tests have this fault behind a round of calls.
"""


def tries_of(fault: str, shown: str) -> int:
    """Return how often a reply is asked for: a momentary error is tried again twice while nothing has been shown."""
    return 3 if fault == RETRIED and not shown else 1


@pytest.fixture(scope="module")
def _impatient(variables: dict[str, str]) -> Iterator[Service]:
    with Service(variables | {"IMBI_ASSISTANT_MODEL_IDLE_SECONDS": str(IDLE_SECONDS)}) as running:
        yield running


@pytest.fixture
async def impatient(_impatient: Service, model_server: ModelServer) -> AsyncIterator[Client]:  # noqa: ARG001  # its script is the test's
    """Return a client of a service that does not wait long for the model."""
    async with _impatient.client() as client:
        yield client


@pytest.mark.proves("turn.replayable", "stream.one-terminal-event", "turn.connection-lost", "turn.error-in-stream")
@pytest.mark.parametrize("fault", WITH_RETRIES_SLOW)
async def test_a_fault_at_each_event_of_a_text(
    client: Client, model_server: ModelServer, database: Database, fault: str
) -> None:
    """One conversation goes through all of them: each question is the one that must work after the fault before."""
    conversation = await client.begin()
    make, code = FAULTS[fault]
    expected: list[tuple[str, bool | None]] = []
    asked = 0
    for index in range(PLAIN_EVENTS):
        tries = tries_of(fault, said_before(PLAIN, index))
        asked += tries
        model_server.script(*[reply(*PLAIN, at={index: make()}) for _ in range(tries)])
        answer = await client.ask(conversation, f"before {index}")
        check_error(answer.error, code)
        assert answer.error["retryable"] is True
        assert answer.said == said_before(PLAIN, index)
        assert len(model_server.chats) == asked, "it was tried again after something was shown"
        expected += [(f"before {index}", None), *([(answer.said, True)] if answer.said else [])]
    await goes_on(client, conversation, model_server)
    stored = await database.cypher(
        "MATCH (m:Message) WHERE m.conversation_id = $id RETURN [m.sequence, m.content, m.is_partial]", id=conversation
    )
    assert [(content, is_partial) for _, content, is_partial in sorted(stored)[:-2]] == expected


@pytest.mark.proves("turn.replayable", "stream.one-terminal-event", "turn.connection-lost", "turn.error-in-stream")
@pytest.mark.parametrize("fault", WITH_RETRIES_SLOW)
async def test_a_fault_at_each_event_of_a_call(client: Client, model_server: ModelServer, fault: str) -> None:
    conversation = await client.begin()
    make, code = FAULTS[fault]
    expected = []
    for index in range(CALLING_EVENTS):
        tries = tries_of(fault, said_before(calling(), index))
        model_server.script(*[reply(*calling(), at={index: make()}) for _ in range(tries)])
        answer = await client.ask(conversation, f"before {index}")
        check_error(answer.error, code)
        assert "client_action" not in answer.names, "a half-written call was run"
        expected += [f"before {index}", *([answer.said] if answer.said else [])]
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
        said = said_before(PLAIN, index)
        last = [reply(*PLAIN, at={index: make()}) for _ in range(tries_of(fault, said))]
        model_server.script(reply(*calling()), *last)
        check_error((await client.ask(conversation, f"before {index}")).error, code)
        expected += [f"before {index}", "Let me see.", "", *([said] if said else [])]
    before = await goes_on(client, conversation, model_server)
    assert [message["content"] for message in before] == expected
    assert model_server.chats[-1].messages[1]["content"][0]["type"] == "thinking"


@pytest.mark.proves("turn.connection-lost", "faults.stall")
async def test_a_model_that_falls_silent_is_given_up(impatient: Client, model_server: ModelServer) -> None:
    conversation = await impatient.begin()
    for index in (0, 1, 4, 6, PLAIN_EVENTS - 1):
        model_server.script(reply(*PLAIN, at={index: stall()}))
        answer = await impatient.ask(conversation, f"Hi {index}")
        check_error(answer.error, "timeout")
        assert answer.said == said_before(PLAIN, index)
        await model_server.wait_closed(model_server.chats[-1])
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
    check_error((await impatient.ask(conversation, "Hi")).error, "timeout")
    model_server.clear()
    await goes_on(impatient, conversation, model_server)


@pytest.mark.proves("faults.first-byte", "turn.overload-is-retryable")
async def test_a_long_retry_after_is_not_waited_for(impatient: Client, model_server: ModelServer) -> None:
    conversation = await impatient.begin()
    model_server.script(*(http_error(429, "rate_limit_error", SECRET, retry_after="30") for _ in range(3)))
    async with asyncio.timeout(25):
        answer = await impatient.ask(conversation, "Hi")
    assert answer.error["retryable"] is True
    assert answer.error["code"] in {"timeout", "rate_limited"}
    model_server.clear()
    await goes_on(impatient, conversation, model_server)


@pytest.mark.proves("turn.unknown-blocks")
async def test_unknown_events_are_ignored(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    unknown = event("weather", {"type": "weather", "index": 7})
    model_server.script(*(reply(*PLAIN, at={index: unknown}) for index in range(PLAIN_EVENTS)))
    for number in range(PLAIN_EVENTS):
        assert (await client.ask(conversation, f"Hi {number}")).text == "Hello.Bye."
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
