"""A running answer: it sends a turn's events to the client and stores each round as soon as it is complete.

A round is stored with the results of all its calls or not at all, so that every history can be sent to the model.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from shared.agent.history import round_to_store
from shared.agent.outcome import NOT_STORED, STOPPED, Interruption, failure_of
from shared.agent.visible_text import VisibleText
from shared.domain.approvals import APPROVAL_REQUIRED
from shared.domain.errors import AssistantError, ConversationNotFound, GraphError
from shared.domain.events import (
    AnswerFailed,
    AnswerStored,
    BlockFinished,
    ReplyReceived,
    RoundFinished,
    RoundParked,
    TextAdded,
    TitleChosen,
    TurnFinished,
    TurnPrepared,
    UsageCounted,
)
from shared.domain.models import Message, Usage
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from shared.agent.outcome import Outcome
    from shared.domain.events import AnswerEvent, Emit, Reply, Tell, ToolCall, ToolResult, TurnEvent
    from shared.domain.models import Lease
    from shared.domain.ports import Transcript

T = TypeVar("T")

log = logging.getLogger(__name__)


class Answer:
    """One answer. `run` generates and stores it. `interrupt` ends it early from another task; its text is stored."""

    def __init__(
        self,
        turn: Callable[[Tell], Awaitable[None]],
        transcript: Transcript,
        choose_title: Callable[[], Awaitable[str | None]],
        result_of: Callable[[ToolCall], ToolResult],
        on_end: Callable[[Answer], None] = lambda _answer: None,
        notice: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """Take the parts; `turn` runs the turn and tells its events.

        `notice` returns a sentence for the user after a complete answer, or an empty text.

        `result_of` returns the result of a call, or an error result if it has none. `on_end` is called once, after the
        answer was stored or has failed.
        """
        self.outcome: Outcome | None = None
        self.ended = asyncio.Event()
        self._turn = turn
        self._transcript = transcript
        self._choose_title = choose_title
        self._result_of = result_of
        self._on_end = on_end
        self._notice = notice
        self._task: asyncio.Task[object] | None = None
        self._interruption: Interruption | None = None
        self._is_ending = False
        self.usage = Usage()
        self._reply_usage = Usage()
        self._text: list[str] = []
        self._visible = VisibleText()
        self._open_reply: Reply | None = None
        self._is_reply_stored = False
        self._last_events: list[AnswerEvent] = []

    @property
    def lease(self) -> Lease:
        """This answer's lease: the right to write to the conversation."""
        return self._transcript.lease

    def interrupt(self, reason: Interruption) -> None:
        """End the answer now. Only the first reason counts. An answer that is already ending is not interrupted."""
        if self._interruption is None and self.outcome is None and not self._is_ending:
            self._interruption = reason
            if self._task is not None:
                self._task.cancel()

    async def run(self, emit: Emit) -> None:
        """Emit the answer's events, exactly one AnswerStored or AnswerFailed among them.

        The text before a failure or an interruption is stored as a partial answer.
        """
        self._task = asyncio.current_task()
        try:
            failed = await self._run_turn(partial(self._take, emit))
            self._is_ending = True
            is_complete = self.outcome is not None
            self.outcome = self.outcome or await self._store_early_end(failed)
            # From here on, the next question can begin, even while the model still writes a title.
            self._end()
            for event in self._last_events:
                await emit(event)
            if not is_complete and (words := self._visible.last_words(self.outcome)):
                # The client shows these words. They are not stored, because the model did not write them.
                await emit(TextAdded(words))
                await emit(BlockFinished())
            if is_complete and self._notice is not None and (notice := await self._notice()):
                await emit(TextAdded(f"\n\n{notice}"))
                await emit(BlockFinished())
            await emit(self.outcome)
            # A lease that seems to be lost may just have been released together with the complete answer.
            if is_complete and self._interruption in {None, Interruption.LOST}:
                await self._add_title(emit)
        finally:
            self._end()

    def _end(self) -> None:
        if not self.ended.is_set():
            self.ended.set()
            self._on_end(self)

    async def _add_title(self, emit: Emit) -> None:
        title = await self._choose_title()
        if title is not None:
            await emit(TitleChosen(title))

    async def _run_turn(self, tell: Tell) -> AnswerFailed | None:
        """Run the turn to its end; return the reason for a failure or an interruption, or None."""
        if self._interruption is not None:
            return self._reason()
        try:
            await self._turn(tell)
        except asyncio.CancelledError:
            if self._task is not None:
                self._task.uncancel()
            return self._reason()
        except Exception as error:
            if not isinstance(error, AssistantError):
                log.exception("a turn failed")
            return failure_of(error)
        return None

    def _reason(self) -> AnswerFailed | None:
        """Return the failure for the interruption; None stands for the user's stop."""
        reason: AnswerFailed | None = (self._interruption or Interruption.SHUTDOWN).value
        return reason

    async def _take(self, emit: Emit, event: TurnEvent) -> None:
        match event:
            case RoundFinished():
                await _shielded(self._store_round(event))
            case TurnFinished():
                await _shielded(self._store_answer(event))
            case RoundParked():
                await _shielded(self._store_parked(event))
            case TurnPrepared():
                self._transcript.prepare(event)
            case UsageCounted(usage):
                self._reply_usage = usage
            case ReplyReceived(reply, is_stored):
                self._open_reply, self._is_reply_stored = reply, is_stored
            case _:
                if isinstance(event, TextAdded):
                    self._text.append(event.text)
                self._visible.follow(event)
                await emit(event)

    async def _store_round(self, finished: RoundFinished) -> None:
        await self._transcript.append(finished.messages)
        self.usage += finished.usage
        self._reply_usage = Usage()
        self._open_reply = None
        self._text.clear()

    async def _store_answer(self, finished: TurnFinished) -> None:
        outcome = AnswerStored(finished.message.id, finished.usage, finished.stop_reason)
        await self._transcript.finish([finished.message], outcome)
        self.usage = finished.usage
        self.outcome = outcome

    async def _store_parked(self, parked: RoundParked) -> None:
        outcome = AnswerStored(parked.message.id, parked.usage, APPROVAL_REQUIRED)
        required = await self._transcript.park(parked, outcome)
        self.usage = parked.usage
        self._last_events = [required, TextAdded(f"\n\n{parked.request}"), BlockFinished()]
        self.outcome = outcome

    async def _store_early_end(self, failed: AnswerFailed | None) -> Outcome:
        messages = self._unfinished_messages()
        self.usage += self._reply_usage
        last = messages[-1].id if messages else self._transcript.question_id
        failed = failed and replace(failed, usage=self.usage)
        outcome = failed or AnswerStored(last, self.usage, STOPPED)
        try:
            await _shielded(self._transcript.finish(messages, outcome))
        except (GraphError, ConversationNotFound) as error:
            return failed or failure_of(error)
        except Exception:
            log.exception("a partial answer cannot be stored")
            await self._release_conversation()
            return failed or replace(NOT_STORED, usage=self.usage)
        return outcome

    async def _release_conversation(self) -> None:
        """Release the lease without storing the partial answer."""
        try:
            await self._transcript.finish([], replace(NOT_STORED, usage=self.usage))
        except AssistantError as error:
            log.warning("the lease of a conversation could not be released: %s", type(error).__name__)

    def _unfinished_messages(self) -> list[Message]:
        """Return the text, calls and results since the last stored round."""
        reply = self._open_reply
        if reply is not None:
            answer, *result_messages = round_to_store(reply, [self._result_of(call) for call in reply.calls])
            return result_messages if self._is_reply_stored else [replace(answer, is_partial=True), *result_messages]
        text = "".join(self._text)
        if not text.strip():
            return []
        return [
            Message(
                id=uuid4(),
                role="assistant",
                content=text,
                created_at=clock.now(),
                token_usage=dict(asdict(self._reply_usage)),
                is_partial=True,
            )
        ]


async def _shielded(work: Coroutine[None, None, T]) -> T:
    """Wait for the work to finish, even if the waiting task is cancelled; then raise the cancellation."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is not None:
            log.warning("storing failed while an answer was interrupted: %s", type(task.exception()).__name__)
        raise
