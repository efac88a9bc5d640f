"""The event stream of the Messages API, from bytes to JSON objects.

This module parses the bytes itself, because the SDK's models cost several times as much for each of an answer's
thousands of events.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, cast

import orjson

from shared.util.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

_LONGEST_FRAME = 16 * 1024 * 1024


class BrokenStream(Exception):
    """The response is not an event stream of the Messages API."""


async def frames(chunks: AsyncIterator[bytes], idle_seconds: float) -> AsyncGenerator[JsonObject, None]:
    """Yield the data of a byte stream's server-sent events, without pings.

    Raises:
        BrokenStream: a frame's data is not a JSON object, or a frame is too long.
        TimeoutError: for `idle_seconds` of waiting, nothing but pings arrived. The time in which the consumer of this
            generator is busy does not count.
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
