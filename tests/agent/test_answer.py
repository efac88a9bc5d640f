"""An answer is stored while it is sent; after every interruption, the stored part can be replayed."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.messages_api import problems
from shared.agent.answer import Answer
from shared.agent.loop import run_turn
from shared.agent.outcome import Interruption
from shared.agent.sent_messages import messages_to_send
from shared.agent.visible_text import STOPPED_WITHOUT_WORDS
from shared.domain.errors import ConversationLost, ConversationNotFound, GraphUnavailable, ModelError, Unauthenticated
from shared.domain.events import AnswerFailed, AnswerStored, BlockFinished, TextAdded, TitleChosen
from shared.domain.models import Message
from shared.util import clock
from tests.support.agent_fakes import (
    QUESTION_ID,
    MemoryTranscript,
    ScriptedModel,
    ScriptedTools,
    call,
    said,
    turn_of,
)
from tests.support.sample_requests import TOOL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.events import AnswerEvent, Reply

QUESTION = Message(id=QUESTION_ID, role="user", content="Hi", created_at=clock.now())
OVERLOADED = ModelError("Busy.", code="overloaded", retryable=True)


class RecordingClient:
    """What a client was told, and an answer that is interrupted once it has been told so much."""

    def __init__(self, answer: Answer, interrupt_after: int | None = None, reason: Interruption | None = None) -> None:
        self.events: list[AnswerEvent] = []
        self._answer = answer
        self._interrupt_after = interrupt_after
        self._reason = reason

    async def emit(self, event: AnswerEvent) -> None:
        self.events.append(event)
        if self._reason is not None and len(self.events) == self._interrupt_after:
            self._answer.interrupt(self._reason)
        await asyncio.sleep(0)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextAdded))

    @property
    def ends(self) -> list[AnswerEvent]:
        return [event for event in self.events if isinstance(event, AnswerStored | AnswerFailed)]


async def title() -> str:
    return "A title"


def answer_of(script: list[Reply | Exception], transcript: MemoryTranscript, rounds: int = 10) -> Answer:
    tools = ScriptedTools()
    turn = partial(run_turn, ScriptedModel(script), turn_of(tools, max_rounds=rounds))
    return Answer(turn, transcript, title, tools.journal.result_of)


async def told(answer: Answer, after: int | None = None, reason: Interruption | None = None) -> RecordingClient:
    listener = RecordingClient(answer, after, reason)
    await answer.run(listener.emit)
    return listener


def assert_replayable(messages: Sequence[Message]) -> None:
    again = Message(id=QUESTION_ID, role="user", content="And?", created_at=clock.now())
    sent = messages_to_send(enumerate([QUESTION, *messages, again]))
    assert problems({"model": "claude-sonnet-4-6", "max_tokens": 10, "messages": sent, "tools": [TOOL]}) == []
    for message in messages:
        assert message.content.strip() or message.tool_use or message.tool_results


@pytest.mark.proves("stream.one-terminal-event", "stream.done-means-stored", "stream.title-updated")
async def test_an_answer_is_stored_before_its_end_is_sent() -> None:
    transcript = MemoryTranscript()
    listener = await told(answer_of([said("One.", call()), said("Two.")], transcript))
    done, chosen = listener.events[-2:]
    assert isinstance(done, AnswerStored)
    assert chosen == TitleChosen("A title")
    assert transcript.outcome == done
    assert [message.id for message in transcript.messages][-1] == done.message_id
    assert_replayable(transcript.messages)


scripts = st.lists(
    st.one_of(
        st.builds(
            lambda text, count: said(text, *(call() for _ in range(count))),
            st.sampled_from(["", "Let me see.", " \n"]),
            st.integers(1, 3),
        ),
    ),
    max_size=3,
)
lasts = st.one_of(
    st.sampled_from([said("Done."), said(""), said("Cut", stop="max_tokens"), said("", stop="refusal"), OVERLOADED]),
    st.builds(lambda: said("Cut", call(), stop="max_tokens")),
    st.just(RuntimeError("unexpected")),
)


@pytest.mark.proves("turn.replayable", "turn.round-is-atomic", "turn.client-gone", "stream.one-terminal-event")
@given(scripts, lasts, st.integers(1, 40), st.sampled_from(Interruption), st.integers(0, 4))
@settings(max_examples=300, deadline=None)
def test_an_answer_can_be_cut_anywhere(
    rounds: list[Reply], last: Reply | Exception, after: int, reason: Interruption, limit: int
) -> None:
    transcript = MemoryTranscript()

    async def run() -> RecordingClient:
        return await told(answer_of([*rounds, last, last, last], transcript, limit), after, reason)

    listener = asyncio.run(run())
    assert listener.ends == [transcript.outcome]
    assert_replayable(transcript.messages)
    assert all(message.content in listener.text for message in transcript.messages)
    called = [each["id"] for message in transcript.messages for each in message.tool_use or ()]
    returned = [each["tool_use_id"] for message in transcript.messages for each in message.tool_results or ()]
    assert called == returned


@pytest.mark.proves("turn.replayable", "stream.one-terminal-event")
@given(scripts, st.integers(0, 4), st.sampled_from([GraphUnavailable(), ConversationLost(), ConversationNotFound()]))
@settings(max_examples=100, deadline=None)
def test_storing_may_fail_anywhere(rounds: list[Reply], good: int, failure: Exception) -> None:
    transcript = MemoryTranscript(failures=[*[None] * good, *[failure] * 20])
    listener = asyncio.run(told(answer_of([*rounds, said("Done.")], transcript)))
    assert len(listener.ends) == 1
    assert_replayable(transcript.messages)
    if len(rounds) >= good:
        assert isinstance(listener.ends[0], AnswerFailed)


@pytest.mark.proves("turn.client-gone")
async def test_an_answer_that_was_interrupted_before_it_began_asks_nothing() -> None:
    transcript = MemoryTranscript()
    model = ScriptedModel([said("Hello")])
    tools = ScriptedTools()
    answer = Answer(partial(run_turn, model, turn_of(tools)), transcript, title, tools.journal.result_of)
    answer.interrupt(Interruption.STOPPED)
    listener = await told(answer)
    assert [type(event) for event in listener.events] == [TextAdded, BlockFinished, AnswerStored]
    assert listener.text == STOPPED_WITHOUT_WORDS
    assert (transcript.messages, model.requests) == ([], [])


@pytest.mark.proves("stream.error", "turn.overload-is-retryable")
@pytest.mark.parametrize(
    ("failure", "code", "retryable"),
    [
        (OVERLOADED, "overloaded", True),
        (Unauthenticated(), "authentication", False),
        (RuntimeError("internal details"), "internal", True),
    ],
)
async def test_a_failure_is_reported_in_a_sentence(failure: Exception, code: str, *, retryable: bool) -> None:
    transcript = MemoryTranscript()
    listener = await told(answer_of([failure], transcript))
    [end] = listener.ends
    assert isinstance(end, AnswerFailed)
    assert (end.code, end.retryable) == (code, retryable)
    assert end.message.endswith(".")
    assert "internal details" not in end.message
    assert [message.content for message in transcript.messages] == ["It begins"]
    assert listener.events[-1] is end
