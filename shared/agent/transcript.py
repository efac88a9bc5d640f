"""The persistence stage: a turn's events on their way to the client, stored as they become whole.

What is stored can always be replayed: a round is an assistant's message with all its results, or nothing.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from shared import times
from shared.agent.events import AnswerFailed, AnswerStored, RoundFinished, TextAdded, TurnFinished
from shared.agent.replay import assistant_blocks
from shared.errors import AssistantError, ConversationNotFound, GraphError, ModelError
from shared.models import Message

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Sequence

    from shared.agent.events import AnswerEvent, Reply, ToolResult, TurnEvent
    from shared.agent.ports import Transcript
    from shared.models import JsonObject, Usage

log = logging.getLogger(__name__)

T = TypeVar("T")

_NOT_STORED = AnswerFailed("The answer could not be saved. Please try again.", code="internal", retryable=True)
_DELETED = AnswerFailed("The conversation has been deleted.", code="internal", retryable=False)
_INTERNAL = AnswerFailed("Something went wrong while answering. Please try again.", code="internal", retryable=True)


async def record(turn: AsyncGenerator[TurnEvent, None], transcript: Transcript) -> AsyncGenerator[AnswerEvent, None]:
    """Pass a turn's events on, storing each round and the answer; exactly one AnswerStored or AnswerFailed is last.

    Where the turn ends early (a failure, or this generator being closed or cancelled) the text that was already passed
    on is stored as a partial answer.
    """
    unsaved: list[str] = []
    try:
        async with aclosing(turn):
            async for event in turn:
                match event:
                    case RoundFinished(reply, results):
                        await _undisturbed(transcript.append(_round(reply, results)))
                        unsaved.clear()
                    case TurnFinished(reply, stop_reason, usage):
                        answer = _said(reply, usage)
                        await _undisturbed(transcript.append([answer]))
                        unsaved.clear()
                        yield AnswerStored(answer.id, usage, stop_reason)
                    case _:
                        if isinstance(event, TextAdded):
                            unsaved.append(event.text)
                        yield event
    except (asyncio.CancelledError, GeneratorExit):
        await _keep(unsaved, transcript)
        raise
    except Exception as error:  # whatever fails, the client is told and what was said is kept
        if not isinstance(error, AssistantError):
            log.exception("a turn failed")
        failed = _failure(error)
        yield failed if await _keep(unsaved, transcript) else _NOT_STORED


def _failure(error: Exception) -> AnswerFailed:
    match error:
        case ModelError():
            return AnswerFailed(error.message, error.code, error.retryable)
        case ConversationNotFound():
            return _DELETED
        case GraphError():
            log.error("an answer could not be stored: %s", type(error).__name__)
            return _NOT_STORED
        case _:
            return _INTERNAL


async def _keep(unsaved: Sequence[str], transcript: Transcript) -> bool:
    """Store the text that was cut off; say whether nothing of it is lost."""
    text = "".join(unsaved)
    if not text.strip():
        return True
    partial = Message(id=uuid4(), role="assistant", content=text, created_at=times.now(), is_partial=True)
    try:
        await _undisturbed(transcript.append([partial]))
    except ConversationNotFound:
        return True
    except GraphError:
        log.exception("a partial answer could not be stored")
        return False
    return True


async def _undisturbed(work: Coroutine[None, None, T]) -> T:
    """Finish the work even where the task that waits for it is cancelled meanwhile; then be cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
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
