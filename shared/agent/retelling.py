"""An answer that was given before, told again from what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from shared.agent.events import (
    AnswerFailed,
    AnswerStored,
    BlockFinished,
    TextAdded,
    ToolCallBegun,
    ToolFinished,
    ToolInputAdded,
)
from shared.models import Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from shared.agent.answer import Interruption
    from shared.agent.events import AnswerEvent
    from shared.models import JsonObject, StoredMessage

_UNKNOWN = AnswerFailed(
    "The answer was interrupted, and this is all of it that is known.", code="connection_lost", retryable=False
)


class Retelling:
    """The events of a stored answer; nothing is asked of the model and nothing is stored."""

    def __init__(self, messages: Sequence[StoredMessage], outcome: JsonObject | None) -> None:
        self._messages = messages
        self._outcome = outcome

    async def run(self, emit: Callable[[AnswerEvent], Awaitable[None]]) -> None:
        """Emit what was emitted then, each text in one piece, and the same end."""
        calls = [call for message in self._messages for call in message.tool_use or ()]
        names = {str(call.get("id")): str(call.get("name")) for call in calls}
        for message in self._messages:
            for event in _events(message, names):
                await emit(event)
        await emit(outcome_of(self._outcome))

    def interrupt(self, reason: Interruption) -> None:
        """Do nothing: it ends by itself."""


def told(outcome: AnswerStored | AnswerFailed) -> str:
    """Write down how an answer ended."""
    return orjson.dumps(outcome).decode()


def outcome_of(record: JsonObject | None) -> AnswerStored | AnswerFailed:
    """Read how an answer ended; where nobody wrote that down, its process died."""
    match record:
        case {"message_id": str(message_id), "stop_reason": str(stop_reason), "usage": dict(usage)}:
            counts = {
                name: count for name, count in usage.items() if isinstance(count, int) and name in Usage.__slots__
            }
            return AnswerStored(UUID(message_id), Usage(**counts), stop_reason)
        case {"message": str(message), "code": str(code), "retryable": bool(retryable)}:
            return AnswerFailed(message, code, retryable)
        case _:
            return _UNKNOWN


def _events(message: StoredMessage, names: Mapping[str, str]) -> Iterator[AnswerEvent]:
    if message.role == "assistant" and message.content:
        yield TextAdded(message.content)
        yield BlockFinished()
    for call in message.tool_use or ():
        yield ToolCallBegun(str(call.get("id")), str(call.get("name")))
        yield ToolInputAdded(orjson.dumps(call.get("input")).decode())
        yield BlockFinished()
    for result in message.tool_results or ():
        call_id = str(result.get("tool_use_id"))
        yield ToolFinished(call_id, names.get(call_id, ""), result.get("is_error") is True, 0)
