"""An answer: a turn's events on their way to the client, stored as they become whole, ended once whatever happens.

What is stored can always be replayed: a round is an assistant's message with all its results, or nothing.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import asdict, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from uuid import uuid4

from shared import times
from shared.agent.events import (
    AnswerFailed,
    AnswerStored,
    ReplyReceived,
    RoundFinished,
    TextAdded,
    TitleChosen,
    ToolResult,
    ToolReturned,
    TurnFinished,
)
from shared.agent.replay import assistant_blocks
from shared.errors import (
    AssistantError,
    ConversationLost,
    ConversationNotFound,
    GraphError,
    ModelError,
    Unauthenticated,
)
from shared.models import Message, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence

    from shared.agent.events import AnswerEvent, Reply, TurnEvent
    from shared.agent.ports import Transcript
    from shared.models import JsonObject

log = logging.getLogger(__name__)

Outcome: TypeAlias = AnswerStored | AnswerFailed

STOPPED = "stopped"
_CUT_CALL = "The answer was stopped before this call had ended; its result is not known."
_NOT_STORED = AnswerFailed("The answer could not be saved. Please try again.", code="internal", retryable=True)
_DELETED = AnswerFailed("The conversation has been deleted.", code="internal", retryable=False)
_LOST = AnswerFailed("The conversation went on elsewhere meanwhile.", code="internal", retryable=False)
_INTERNAL = AnswerFailed("Something went wrong while answering. Please try again.", code="internal", retryable=True)
_SIGNED_OUT = AnswerFailed("Your session has ended. Please sign in again.", code="authentication", retryable=False)


class Interruption(Enum):
    """Why an answer ends before its end; the value is what the client is told, None that it was stopped at its wish."""

    STOPPED = None
    DEADLINE = AnswerFailed("The answer took longer than is allowed. Ask on to continue.", "deadline", retryable=True)
    SHUTDOWN = AnswerFailed("The service is being restarted. Please try again.", "internal", retryable=True)
    LOST = _LOST


class Answer:
    """One answer. `run` goes through it; `interrupt`, from any other task, ends it early but whole."""

    def __init__(
        self,
        turn: AsyncGenerator[TurnEvent, None],
        transcript: Transcript,
        give_title: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._turn = turn
        self._transcript = transcript
        self._give_title = give_title
        self._task: asyncio.Task[object] | None = None
        self._interruption: Interruption | None = None
        self._outcome: Outcome | None = None
        self._is_ending = False
        self._usage = Usage()
        self._text: list[str] = []
        self._open_reply: Reply | None = None
        self._results: dict[str, ToolResult] = {}

    def interrupt(self, reason: Interruption) -> None:
        """End the answer now; the first reason counts, and an answer that ends anyway is left to it."""
        if self._interruption is None and self._outcome is None and not self._is_ending:
            self._interruption = reason
            if self._task is not None:
                self._task.cancel()

    async def run(self, emit: Callable[[AnswerEvent], Awaitable[None]]) -> None:
        """Emit the answer's events, exactly one AnswerStored or AnswerFailed among them.

        What was said before a failure or an interruption is stored as a partial answer.
        """
        self._task = asyncio.current_task()
        failed: AnswerFailed | None = None
        try:
            await self._follow(emit)
        except asyncio.CancelledError:
            failed = (self._interruption or Interruption.SHUTDOWN).value
            if self._task is not None:
                self._task.uncancel()
        except Exception as error:
            if not isinstance(error, AssistantError):
                log.exception("a turn failed")
            failed = _failure(error)
        self._is_ending = True
        is_whole = self._outcome is not None
        if self._outcome is None:
            self._outcome = await self._ended_early(failed)
        await emit(self._outcome)
        # A lease that seems to be lost may just have been given back with the whole answer.
        if is_whole and self._interruption in {None, Interruption.LOST}:
            title = await self._give_title()
            if title is not None:
                await emit(TitleChosen(title))

    async def _follow(self, emit: Callable[[AnswerEvent], Awaitable[None]]) -> None:
        async with aclosing(self._turn) as turn:
            if self._interruption is not None:
                raise asyncio.CancelledError
            async for event in turn:
                match event:
                    case RoundFinished():
                        await _undisturbed(self._store_round(event))
                    case TurnFinished():
                        await _undisturbed(self._store_answer(event))
                    case ReplyReceived(reply):
                        self._open_reply = reply
                    case ToolReturned(result):
                        self._results[result.call_id] = result
                    case _:
                        if isinstance(event, TextAdded):
                            self._text.append(event.text)
                        await emit(event)

    async def _store_round(self, finished: RoundFinished) -> None:
        await self._transcript.append(_round(finished.reply, finished.results))
        self._usage += finished.reply.usage
        self._open_reply = None
        self._text.clear()
        self._results.clear()

    async def _store_answer(self, finished: TurnFinished) -> None:
        message = _said(finished.reply, finished.reply.usage)
        outcome = AnswerStored(message.id, finished.usage, finished.stop_reason)
        await self._transcript.finish([message], outcome)
        self._outcome = outcome

    async def _ended_early(self, failed: AnswerFailed | None) -> Outcome:
        messages = self._unfinished()
        last = messages[-1].id if messages else self._transcript.question_id
        outcome = failed or AnswerStored(last, self._usage, STOPPED)
        try:
            await _undisturbed(self._transcript.finish(messages, outcome))
        except (GraphError, ConversationNotFound) as error:
            return failed or _failure(error)
        except Exception:
            log.exception("what was said cannot be stored")
            await self._given_up()
            return failed or _NOT_STORED
        return outcome

    async def _given_up(self) -> None:
        """Leave the conversation to others without what was said."""
        try:
            await self._transcript.finish([], _NOT_STORED)
        except AssistantError as error:
            log.warning("a conversation could not be given back: %s", type(error).__name__)

    def _unfinished(self) -> list[Message]:
        """Give what has been said and done since the last round: its calls all get a result, known or not."""
        reply = self._open_reply
        if reply is not None:
            cut = {call.id: ToolResult(call.id, _CUT_CALL, is_error=True) for call in reply.calls}
            results = [self._results.get(call_id, unknown) for call_id, unknown in cut.items()]
            said, *given = _round(reply, results)
            return [replace(said, is_partial=True), *given]
        text = "".join(self._text)
        if not text.strip():
            return []
        return [Message(id=uuid4(), role="assistant", content=text, created_at=times.now(), is_partial=True)]


def _failure(error: Exception) -> AnswerFailed:
    match error:
        case ModelError():
            return AnswerFailed(error.message, error.code, error.retryable)
        case Unauthenticated():
            return _SIGNED_OUT
        case ConversationNotFound():
            return _DELETED
        case ConversationLost():
            return _LOST
        case GraphError():
            log.error("an answer could not be stored: %s", type(error).__name__)
            return _NOT_STORED
        case _:
            return _INTERNAL


T = TypeVar("T")


async def _undisturbed(work: Coroutine[None, None, T]) -> T:
    """Finish the work even where the task that waits for it is cancelled meanwhile; then be cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is not None:
            log.warning("storing failed while an answer was ended: %s", type(task.exception()).__name__)
        raise


def _round(reply: Reply, results: Sequence[ToolResult]) -> list[Message]:
    said = _said(reply, reply.usage)
    if not results:
        return [said]
    given = tuple(result.block() for result in results)
    return [said, Message(id=uuid4(), role="user", content="", created_at=times.now(), tool_results=given)]


def _said(reply: Reply, usage: Usage) -> Message:
    calls: tuple[JsonObject, ...] = tuple(
        {"id": call.id, "name": call.name, "input": call.input} for call in reply.calls
    )
    return Message(
        id=uuid4(),
        role="assistant",
        content=reply.text,
        created_at=times.now(),
        tool_use=calls or None,
        token_usage=dict(asdict(usage)),
        blocks=None if _is_plain(reply, calls) else reply.blocks,
    )


def _is_plain(reply: Reply, calls: Sequence[JsonObject]) -> bool:
    """Say whether a reply's text and calls hold all that its blocks do."""
    told = [{name: value for name, value in block.items() if value is not None} for block in reply.blocks]
    return told in (assistant_blocks(reply.text, calls), assistant_blocks(reply.text, calls)[1:])
