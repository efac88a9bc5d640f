"""The outcomes of an answer: the last event for the client, and its stored form for repeated requests."""

from __future__ import annotations

import logging
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

import orjson

from shared.domain.errors import (
    SOMETHING_WENT_WRONG,
    ConversationLost,
    ConversationNotFound,
    GraphBusy,
    GraphError,
    ModelError,
    Unauthenticated,
)
from shared.domain.events import AnswerFailed, AnswerStored
from shared.domain.models import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import JsonObject, Message

log = logging.getLogger(__name__)

Outcome: TypeAlias = AnswerStored | AnswerFailed

STOPPED = "stopped"
"""The stop reason of an answer that its user stopped."""

INTERNAL = AnswerFailed(SOMETHING_WENT_WRONG, code="internal", retryable=True)
NOT_STORED = AnswerFailed("The answer could not be saved. Please try again.", code="internal", retryable=True)
_BUSY = AnswerFailed("Too many requests are waiting. Please try again in a few seconds.", code="busy", retryable=True)
_DELETED = AnswerFailed("The conversation has been deleted.", code="internal", retryable=False)
_LOST = AnswerFailed(
    "Another answer in this conversation has replaced this one. Please reload the conversation.",
    code="internal",
    retryable=False,
)
_SIGNED_OUT = AnswerFailed("Your session has ended. Please sign in again.", code="authentication", retryable=False)
UNKNOWN = AnswerFailed("The answer was interrupted. Please try again.", code="connection_lost", retryable=True)
"""The end of an answer whose end is not stored: its process was killed."""
_FAILURES: dict[type[Exception], AnswerFailed] = {
    Unauthenticated: _SIGNED_OUT,
    ConversationNotFound: _DELETED,
    ConversationLost: _LOST,
    GraphBusy: _BUSY,
    GraphError: NOT_STORED,
}
"""The events for exceptions; the first one that fits is taken."""


class Interruption(Enum):
    """The reason for an early end. The value is the event for the client; it is None if the user stopped the answer."""

    STOPPED = None
    DEADLINE = AnswerFailed(
        "The answer exceeded its time limit. Send another message to continue.", "deadline", retryable=True
    )
    SHUTDOWN = AnswerFailed("The service is being restarted. Please try again.", "shutdown", retryable=True)
    LOST = _LOST
    SIGNED_OUT = _SIGNED_OUT


def failure_of(error: Exception) -> AnswerFailed:
    """Return the event for the client after an exception. Only the text of a ModelError is part of it."""
    if isinstance(error, ModelError):
        return AnswerFailed(error.message, error.code, error.retryable, retry_after=error.retry_after)
    kind = next((kind for kind in _FAILURES if isinstance(error, kind)), None)
    if kind is GraphError:
        log.error("an answer could not be stored: %s", type(error).__name__)
    return INTERNAL if kind is None else _FAILURES[kind]


def is_early(outcome: Outcome) -> bool:
    """Return whether an answer ended before it was complete: it failed, or its user stopped it."""
    return isinstance(outcome, AnswerFailed) or outcome.stop_reason == STOPPED


def encode_outcome(outcome: Outcome) -> str:
    """Return an outcome as JSON text."""
    return orjson.dumps(outcome).decode()


def with_outcome(messages: Sequence[Message], outcome: Outcome) -> list[Message]:
    """Return the last messages of an answer, with its outcome on the last one of the assistant."""
    result = list(messages)
    for index in reversed(range(len(result))):
        if result[index].role == "assistant":
            result[index] = replace(result[index], outcome=orjson.loads(encode_outcome(outcome)))
            break
    return result


def decode_outcome(record: JsonObject | None) -> Outcome:
    """Decode a stored outcome. If there is none, the process was killed before the answer ended."""
    match record:
        case {"message_id": str(message_id), "stop_reason": str(stop_reason), "usage": dict(usage)}:
            counts = {
                name: count for name, count in usage.items() if isinstance(count, int) and name in Usage.__slots__
            }
            return AnswerStored(UUID(message_id), Usage(**counts), stop_reason)
        case {"message": str(message), "code": str(code), "retryable": bool(retryable)}:
            return AnswerFailed(message, code, retryable)
        case _:
            return UNKNOWN
