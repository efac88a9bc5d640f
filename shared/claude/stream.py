"""The events of the Messages API, from JSON objects to finished content blocks.

It ignores unknown events and deltas and keeps unknown blocks, as Anthropic's versioning policy requires.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, cast

import orjson

from shared.claude.frames import BrokenStream, whole
from shared.domain.block_rules import mended_call
from shared.domain.events import (
    BlockFinished,
    Reply,
    ReplyFinished,
    TextAdded,
    ThinkingAdded,
    ToolCall,
    ToolCallBegun,
    ToolInputAdded,
    UsageCounted,
)
from shared.domain.models import JsonObject, Usage

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from pydantic import JsonValue

    from shared.domain.events import ModelEvent

_SILENT_FIELDS = ("signature", "content", "encrypted_content")
"""The fields of a block that its deltas add to under the same names, and that no client sees."""


class StreamedError(Exception):
    """The stream contained an `error` event."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class _OpenBlock:
    """A content block that is not complete: its start, and the pieces of its fields."""

    block: JsonObject
    pieces: dict[str, list[str]] = field(default_factory=dict)
    partial_json: list[str] = field(default_factory=list)
    half: str = ""
    """The first half of a surrogate pair, whose second half comes with the next delta."""

    def grow(self, name: str, piece: str) -> str:
        """Add a piece to one of the block's fields, and return it."""
        if piece:
            self.pieces.setdefault(name, []).append(piece)
        return piece


class ReplyReader:
    """Builds one reply from its events."""

    def __init__(self, earlier_call_ids: Container[str] = frozenset(), *, shows_thinking: bool = True) -> None:
        """Take the call ids of the conversation; a call that repeats one of them gets a new id.

        Unless the reply `shows_thinking`, its thinking is only kept in its blocks.
        """
        self._earlier_call_ids = earlier_call_ids
        self._shows_thinking = shows_thinking
        self._call_ids: set[str] = set()
        self._open: dict[int, _OpenBlock] = {}
        self._blocks: list[JsonObject] = []
        self._calls: list[ToolCall] = []
        self._counts: dict[str, int] = {}
        self._stop_reason: str | None = None
        self._has_failed = False

    @property
    def is_ending(self) -> bool:
        """Whether the reply is complete but for its end, or has failed, so that the rest of the stream is short."""
        return self._has_failed or self._stop_reason is not None

    def read(self, event: JsonObject) -> Sequence[ModelEvent]:
        """Process one event of the stream and return the matching ModelEvents; `message_stop` gives ReplyFinished.

        Raises:
            StreamedError: the event is an error.
            BrokenStream: the event does not match the earlier events.
        """
        match event.get("type"):
            case "content_block_delta":
                return self._delta(event)
            case "content_block_start":
                return self._start(event)
            case "content_block_stop":
                return self._stop(event)
            case _:
                return self._envelope(event)

    def _envelope(self, event: JsonObject) -> Sequence[ModelEvent]:
        """Process an event outside content blocks."""
        match event.get("type"):
            case "message_start":
                return self._count(_object(_object(event.get("message")).get("usage")))
            case "message_delta":
                self._stop_reason = _text(_object(event.get("delta")).get("stop_reason")) or self._stop_reason
                return self._count(_object(event.get("usage")))
            case "message_stop":
                return [ReplyFinished(self._reply())]
            case "error":
                self._has_failed = True
                error = _object(event.get("error"))
                raise StreamedError(_text(error.get("type")), _text(error.get("message")))
            case _:
                return ()

    def _start(self, event: JsonObject) -> Sequence[ModelEvent]:
        block = _object(event.get("content_block"))
        if block.get("type") == "tool_use":
            block = self._with_good_id(mended_call(block))
        self._open[_index(event)] = _OpenBlock(block)
        if block.get("type") == "tool_use":
            return [ToolCallBegun(_text(block.get("id")), _text(block.get("name")))]
        if block.get("type") == "text" and block.get("text"):
            return [TextAdded(_text(block["text"]))]
        return ()

    def _with_good_id(self, block: JsonObject) -> JsonObject:
        """Replace an id that is empty or was used before, because the API would refuse it in the next request."""
        call_id = _text(block.get("id"))
        if not call_id or call_id in self._call_ids or call_id in self._earlier_call_ids:
            call_id = f"toolu_{token_hex(12)}"
        self._call_ids.add(call_id)
        return {**block, "id": call_id}

    def _delta(self, event: JsonObject) -> Sequence[ModelEvent]:
        opened = self._open.get(_index(event))
        if opened is None:
            raise BrokenStream("a delta has no open block")
        delta = _object(event.get("delta"))
        match delta.get("type"):
            case "text_delta":
                text = opened.grow("text", _whole_so_far(opened, _text(delta.get("text"))))
                return [TextAdded(text)] if text else ()
            case "thinking_delta":
                thought = opened.grow("thinking", whole(_text(delta.get("thinking"))))
                return [ThinkingAdded(thought)] if thought and self._shows_thinking else ()
            case "input_json_delta":
                opened.partial_json.append(_text(delta.get("partial_json")))
                if opened.block.get("type") == "tool_use":
                    return [ToolInputAdded(whole(opened.partial_json[-1]))]
            case "citations_delta":
                citations = opened.block.get("citations")
                opened.block["citations"] = [*(citations if isinstance(citations, list) else []), delta.get("citation")]
            case "signature_delta" | "compaction_delta":
                for name in _SILENT_FIELDS:
                    opened.grow(name, whole(_text(delta.get(name))))
        return ()

    def _stop(self, event: JsonObject) -> Sequence[ModelEvent]:
        opened = self._open.pop(_index(event), None)
        if opened is None:
            raise BrokenStream("a block ends that is not open")
        rest: list[ModelEvent] = [TextAdded(opened.grow("text", "\ufffd"))] if opened.half else []
        block = {**opened.block, **{name: _joined(opened, name) for name in opened.pieces}}
        if opened.partial_json or block.get("type") == "tool_use":
            block["input"], problem = _input(whole("".join(opened.partial_json)), block.get("input"))
            if block.get("type") == "tool_use":
                call = ToolCall(_text(block.get("id")), _text(block.get("name")), _object(block["input"]), problem)
                self._calls.append(call)
        self._blocks.append(block)
        if block.get("type") in {"text", "tool_use"}:
            rest.append(BlockFinished())
        return rest

    def _count(self, usage: JsonObject) -> Sequence[ModelEvent]:
        counts = {name: count for name, count in usage.items() if isinstance(count, int)}
        if not counts:
            return ()
        self._counts |= counts
        return [UsageCounted(self._usage())]

    def _usage(self) -> Usage:
        return Usage(**{name: self._counts.get(name, 0) for name in Usage.__slots__})

    def _reply(self) -> Reply:
        return Reply(tuple(self._blocks), self._stop_reason, self._usage(), tuple(self._calls))


def _whole_so_far(opened: _OpenBlock, text: str) -> str:
    """Return a piece of a text, joined with the half of a surrogate pair that was kept, and keep the next half."""
    if text.isascii() and not opened.half:
        return text
    text = opened.half + text
    last = text[-1:]
    opened.half = last if "\ud800" <= last <= "\udbff" else ""
    return whole(text.removesuffix(opened.half))


def _joined(opened: _OpenBlock, name: str) -> str:
    return _text(opened.block.get(name)) + "".join(opened.pieces[name])


def _input(text: str, initial: JsonValue) -> tuple[JsonObject, str | None]:
    """Parse a call's input. Invalid input becomes an empty object, together with a problem for the model.

    `initial` is the input in the block's start event; it counts if no delta followed.
    """
    if not text.strip():
        return _object(initial), None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return {}, f"The input is not valid JSON ({error.msg})."
    if not isinstance(value, dict):
        return {}, "The input is not a JSON object."
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return {}, "The input is nested too deeply."
    return cast("JsonObject", value), None


def _index(event: JsonObject) -> int:
    index = event.get("index")
    if not isinstance(index, int):
        raise BrokenStream("an event has no block index")
    return index


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
