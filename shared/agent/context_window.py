"""A history that is too long for the model, shortened until it fits; the stored one stays as it is."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import orjson

from shared.domain.content_blocks import blocks_of, is_question, objects_in, text_of
from shared.domain.errors import CONTEXT_OVERFLOW, ModelError
from shared.domain.events import BlockFinished, TextAdded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from shared.domain.events import ModelEvent
    from shared.domain.models import JsonObject
    from shared.domain.ports import Model, ModelRequest

_NOTICE = "*This conversation has become too long to be read whole: its older parts are left out now.*\n\n"
_CLEARED = "[This older result was left out to save room. Call the tool again if it is needed.]"
_ROUNDS_KEPT = 3
_BYTES_PER_TOKEN = 4
_RESULT_LENGTHS = (20_000, 4_000, 500)
"""To how many characters results are cut when nothing else is left to leave out."""


class ContextWindowModel:
    """One turn's model. What was left out stays left out for the rest of the turn, and the user is told once."""

    def __init__(self, model: Model, clear_above: int) -> None:
        self._model = model
        self._clear_above = clear_above
        self._level = 0
        self._has_told = False

    async def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream a reply to as much of the history as fits.

        Raises:
            ModelError: as of the model; that the history is too long only when nothing more can be left out.
        """
        overflow: ModelError | None = None
        cleared = clear_results(request.messages, self._clear_above)
        for messages in islice(_ever_shorter(cleared), self._level, None):
            has_begun = False
            try:
                async with aclosing(self._model.reply(replace(request, messages=messages))) as events:
                    async for event in events:
                        if self._level and not self._has_told:
                            self._has_told = True
                            yield TextAdded(_NOTICE)
                            yield BlockFinished()
                        has_begun = True
                        yield event
            except ModelError as error:
                if error.code != CONTEXT_OVERFLOW or has_begun:
                    raise
                overflow = error
                self._level += 1
            else:
                return
        if overflow is not None:
            raise overflow

    async def aclose(self) -> None:
        """Leave the model open: other turns use it."""


def clear_results(messages: Sequence[JsonObject], above: int) -> Sequence[JsonObject]:
    """Leave out old results of tools where the messages have more than so many tokens (estimated by their bytes).

    First those of earlier questions, then those of this one but for the last few. What is left out stays so as the
    conversation grows, so that what the API has cached of it stays good.
    """
    if _tokens(messages) <= above:
        return messages
    start = max((i for i, message in enumerate(messages) if is_question(message)), default=0)
    cleared = [*map(_cleared, messages[:start]), *messages[start:]]
    if _tokens(cleared) <= above:
        return cleared
    with_results = [i for i, message in enumerate(cleared) if i >= start and not is_question(message)]
    old = {i for i in with_results if cleared[i]["role"] == "user"}
    kept = sorted(old)[-_ROUNDS_KEPT:]
    return [message if i not in old or i in kept else _cleared(message) for i, message in enumerate(cleared)]


def _cleared(message: JsonObject) -> JsonObject:
    return {**message, "content": [_emptied(block) for block in blocks_of(message)]}


def _emptied(block: JsonObject) -> JsonObject:
    is_long = block.get("type") == "tool_result" and len(str(block.get("content"))) > len(_CLEARED)
    return {**block, "content": _CLEARED} if is_long else block


def _tokens(messages: Sequence[JsonObject]) -> int:
    return len(orjson.dumps(messages)) // _BYTES_PER_TOKEN


def _ever_shorter(messages: Sequence[JsonObject]) -> Iterator[list[JsonObject]]:
    """Give the messages, then without the older half of the exchanges, and so on, then with results cut short."""
    starts = [i for i, message in enumerate(messages) if is_question(message)] or [0]
    yield list(messages)
    while len(starts) > 1:
        starts = starts[(len(starts) + 1) // 2 :]
        yield list(messages[starts[0] :])
    shortest = list(messages[starts[0] :])
    for length in _RESULT_LENGTHS:
        shorter = [_with_results_cut(message, length) for message in shortest]
        if shorter != shortest:
            shortest = shorter
            yield shorter


def _with_results_cut(message: JsonObject, length: int) -> JsonObject:
    return {**message, "content": [_cut(block, length) for block in blocks_of(message)]}


def _cut(block: JsonObject, length: int) -> JsonObject:
    content = block.get("content")
    if block.get("type") != "tool_result":
        return block
    if isinstance(content, list):
        content = text_of(objects_in(content), "\n")
    text = str(content or "")
    return {**block, "content": text if len(text) <= length else f"{text[:length]}\n[The rest was left out.]"}
