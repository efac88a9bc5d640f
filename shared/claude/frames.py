"""The event stream of the Messages API, from bytes to JSON objects.

This module parses the bytes itself, because the SDK's models cost several times as much for each of an answer's
thousands of events.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

_LONGEST_FRAME = 16 * 1024 * 1024


class BrokenStream(Exception):
    """The response is not an event stream of the Messages API."""


class FrameReader:
    """Finds the server-sent events in the pieces of a byte stream."""

    def __init__(self) -> None:
        self._rest = b""

    def read(self, piece: bytes) -> Iterator[JsonObject]:
        """Yield the data of the events that a piece completes, without pings.

        Raises:
            BrokenStream: an event's data is not a JSON object, or an event is too long.
        """
        *complete, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        for frame in complete:
            if data := _data(frame):
                event = _parse(data)
                if event.get("type") != "ping":
                    yield event
        if len(self._rest) > _LONGEST_FRAME:
            raise BrokenStream("an event has no end")


def _data(frame: bytes) -> bytes:
    lines = [line[5:].removeprefix(b" ") for line in frame.split(b"\n") if line.startswith(b"data:")]
    return lines[0] if len(lines) == 1 else b"\n".join(lines)


def _parse(data: bytes) -> JsonObject:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _parse_leniently(data)
    if not isinstance(value, dict):
        raise BrokenStream("an event is not a JSON object")
    return cast("JsonObject", value)


def _parse_leniently(data: bytes) -> JsonValue:
    """Parse JSON that orjson refuses: bytes that are not UTF-8, and escaped halves of surrogate pairs."""
    try:
        value = json.loads(data.decode("utf-8", "replace"))
        kind = value.get("delta", {}).get("type") if isinstance(value, dict) else None
        if kind in {"text_delta", "input_json_delta"}:
            # The other half of a pair may come with the next delta.
            return cast("JsonValue", value)
        return cast("JsonValue", json.loads(whole(json.dumps(value, ensure_ascii=False))))
    except (AttributeError, ValueError, RecursionError) as error:
        raise BrokenStream("an event is not valid JSON") from error


def whole(text: str) -> str:
    """Join surrogate pairs and replace lone halves, which UTF-8 cannot encode."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
