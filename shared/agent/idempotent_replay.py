"""The replay of a stored answer, for a question that arrives again with the same Idempotency-Key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from shared.agent.outcome import decode_outcome, is_early
from shared.agent.visible_text import VisibleText
from shared.domain.call_details import CallDetails
from shared.domain.content_blocks import text_of
from shared.domain.events import BlockFinished, TextAdded, ToolCallBegun, ToolFinished, ToolInputAdded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.agent.outcome import Interruption
    from shared.domain.events import AnswerEvent, ApprovalRequired, Emit
    from shared.domain.models import JsonObject, StoredMessage


class ReplayedAnswer:
    """Emits the events of a stored answer, without a request to the model and without storing anything."""

    def __init__(
        self,
        messages: Sequence[StoredMessage],
        outcome: JsonObject | None,
        required: ApprovalRequired | None = None,
    ) -> None:
        """Take the stored messages and the outcome; `required` asks again for an approval that is still open."""
        self._messages = messages
        self._outcome = outcome
        self._required = required

    @property
    def lease(self) -> None:
        """A replay writes nothing, so it has no lease."""

    async def run(self, emit: Emit) -> None:
        """Emit the events of the first answer, each text in one piece, and the same last event."""
        calls = [call for message in self._messages for call in message.tool_use or ()]
        names = {str(call.get("id")): str(call.get("name")) for call in calls}
        visible = VisibleText()
        for message in self._messages:
            for event in _events(message, names):
                visible.follow(event)
                await emit(event)
        outcome = decode_outcome(self._outcome)
        if is_early(outcome) and (words := visible.last_words(outcome)):
            await emit(TextAdded(words))
            await emit(BlockFinished())
        if self._required is not None:
            await emit(self._required)
        await emit(outcome)

    def interrupt(self, reason: Interruption) -> None:
        """Do nothing: a replay ends by itself."""


def _events(message: StoredMessage, names: Mapping[str, str]) -> Iterator[AnswerEvent]:
    said, request = _texts(message)
    if said:
        yield TextAdded(said)
        yield BlockFinished()
    for call in message.tool_use or ():
        yield ToolCallBegun(str(call.get("id")), str(call.get("name")))
        yield ToolInputAdded(orjson.dumps(call.get("input")).decode())
        yield BlockFinished()
    if request:
        yield TextAdded(request)
        yield BlockFinished()
    details = {each.call_id: each for each in message.call_details}
    for result in message.tool_results or ():
        call_id = str(result.get("tool_use_id"))
        known = details.get(call_id, CallDetails(call_id, 0))
        is_error = result.get("is_error") is True
        yield ToolFinished(call_id, names.get(call_id, ""), is_error, known.duration_ms, known.receipt)


def _texts(message: StoredMessage) -> tuple[str, str]:
    """Return an answer's own text, and the text that asks for an approval of its calls, which comes after the calls."""
    if message.role != "assistant":
        return "", ""
    said = text_of(message.blocks or ()).rstrip()
    if message.tool_use and message.blocks and message.content.startswith(said):
        return said, message.content[len(said) :]
    return message.content, ""
