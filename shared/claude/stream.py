"""The Messages API's event stream, from bytes to finished content blocks.

Read directly instead of through the SDK's models, which cost several times as much for each of an answer's thousands
of events. Unknown events and deltas are passed over, unknown blocks kept, as Anthropic's versioning policy asks.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import orjson

from shared.domain.events import (
    BlockFinished,
    Reply,
    ReplyFinished,
    TextAdded,
    ToolCall,
    ToolCallBegun,
    ToolInputAdded,
)
from shared.domain.models import JsonObject, Usage
from shared.util.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pydantic import JsonValue

    from shared.domain.events import ModelEvent

_LONGEST_FRAME = 16 * 1024 * 1024
_JOINED = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""Which field of a block a delta adds to; the delta's own field has the same name."""


class BrokenStream(Exception):
    """What came is no event stream of the Messages API."""


class StreamedError(Exception):
    """The stream brought an `error` event."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


async def frames(chunks: AsyncIterator[bytes], idle_seconds: float) -> AsyncIterator[JsonObject]:
    """Split a byte stream into the data of its server-sent events, pings left out.

    Raises:
        BrokenStream: a frame's data is no JSON object, or has no end.
        TimeoutError: nothing but pings came for so many seconds of waiting; a slow reader's own are not counted.
    """
    rest = b""
    waited = 0.0
    deadline = Deadline()
    try:
        while True:
            began = time.monotonic()
            with deadline.within(idle_seconds - waited):
                chunk = await anext(chunks, None)
            waited += time.monotonic() - began
            if chunk is None:
                return
            rest = (rest + chunk).replace(b"\r\n", b"\n")
            *complete, rest = rest.split(b"\n\n")
            for data in filter(None, map(_data, complete)):
                event = _parse(data)
                if event.get("type") != "ping":
                    waited = 0.0
                    yield event
            if len(rest) > _LONGEST_FRAME:
                raise BrokenStream("an event has no end")
    finally:
        deadline.close()


def _data(frame: bytes) -> bytes:
    lines = [line[5:].removeprefix(b" ") for line in frame.split(b"\n") if line.startswith(b"data:")]
    return lines[0] if len(lines) == 1 else b"\n".join(lines)


def _parse(data: bytes) -> JsonObject:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _parse_leniently(data)
    if not isinstance(value, dict):
        raise BrokenStream("an event is no object")
    return cast("JsonObject", value)


def _parse_leniently(data: bytes) -> JsonValue:
    """Parse what orjson refuses, such as an escaped half of a surrogate pair, which nothing could store."""
    try:
        text = json.dumps(json.loads(data), ensure_ascii=False)
        return cast("JsonValue", json.loads(text.encode("utf-8", "replace")))
    except (ValueError, RecursionError) as error:
        raise BrokenStream("an event is no JSON") from error


@dataclass(slots=True)
class _OpenBlock:
    """A content block that is still growing: its start, and the pieces of its fields."""

    block: JsonObject
    pieces: dict[str, list[str]] = field(default_factory=dict)
    partial_json: list[str] = field(default_factory=list)


class ReplyReader:
    """Collects one reply from its events."""

    def __init__(self) -> None:
        self._open: dict[int, _OpenBlock] = {}
        self._blocks: list[JsonObject] = []
        self._calls: list[ToolCall] = []
        self._counts: dict[str, int] = {}
        self._stop_reason: str | None = None

    def read(self, event: JsonObject) -> Iterator[ModelEvent]:
        """Take an event in and give what it means; `message_stop` gives ReplyFinished.

        Raises:
            StreamedError: the event is an error.
            BrokenStream: the event does not fit what came before.
        """
        match event.get("type"):
            case "content_block_delta":
                yield from self._delta(event)
            case "content_block_start":
                yield from self._start(event)
            case "content_block_stop":
                yield from self._stop(event)
            case "message_start":
                self._count(_object(_object(event.get("message")).get("usage")))
            case "message_delta":
                self._stop_reason = _text(_object(event.get("delta")).get("stop_reason")) or self._stop_reason
                self._count(_object(event.get("usage")))
            case "message_stop":
                yield ReplyFinished(self._reply())
            case "error":
                error = _object(event.get("error"))
                raise StreamedError(_text(error.get("type")), _text(error.get("message")))

    def _start(self, event: JsonObject) -> Iterator[ModelEvent]:
        block = _object(event.get("content_block"))
        self._open[_index(event)] = _OpenBlock(block)
        if block.get("type") == "tool_use":
            yield ToolCallBegun(_text(block.get("id")), _text(block.get("name")))
        elif block.get("type") == "text" and block.get("text"):
            yield TextAdded(_text(block["text"]))

    def _delta(self, event: JsonObject) -> Iterator[ModelEvent]:
        opened = self._open.get(_index(event))
        if opened is None:
            raise BrokenStream("a delta has no block")
        delta = _object(event.get("delta"))
        kind = _text(delta.get("type"))
        if kind == "input_json_delta":
            opened.partial_json.append(_text(delta.get("partial_json")))
            if opened.block.get("type") == "tool_use":
                yield ToolInputAdded(opened.partial_json[-1])
        elif kind in _JOINED:
            text = _text(delta.get(_JOINED[kind]))
            opened.pieces.setdefault(_JOINED[kind], []).append(text)
            if kind == "text_delta" and text:
                yield TextAdded(text)
        elif kind == "citations_delta":
            citations = opened.block.get("citations")
            opened.block["citations"] = [*(citations if isinstance(citations, list) else []), delta.get("citation")]

    def _stop(self, event: JsonObject) -> Iterator[ModelEvent]:
        opened = self._open.pop(_index(event), None)
        if opened is None:
            raise BrokenStream("a block ends that never began")
        block = {**opened.block, **{name: _joined(opened, name) for name in opened.pieces}}
        if opened.partial_json or block.get("type") == "tool_use":
            block["input"], problem = _input("".join(opened.partial_json), block.get("input"))
            if block.get("type") == "tool_use":
                call = ToolCall(_text(block.get("id")), _text(block.get("name")), _object(block["input"]), problem)
                self._calls.append(call)
        self._blocks.append(block)
        if block.get("type") in {"text", "tool_use"}:
            yield BlockFinished()

    def _count(self, usage: JsonObject) -> None:
        self._counts |= {name: count for name, count in usage.items() if isinstance(count, int)}

    def _reply(self) -> Reply:
        usage = Usage(**{name: self._counts.get(name, 0) for name in Usage.__slots__})
        return Reply(tuple(self._blocks), self._stop_reason, usage, tuple(self._calls))


def _joined(opened: _OpenBlock, name: str) -> str:
    return _text(opened.block.get(name)) + "".join(opened.pieces[name])


def _input(text: str, given: JsonValue) -> tuple[JsonObject, str | None]:
    """Read a call's input; what is no JSON object becomes an empty one and a problem that the model is told of."""
    if not text.strip():
        return _object(given), None
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
        raise BrokenStream("a block has no index")
    return index


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
