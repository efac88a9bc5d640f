"""The bytes of a model's reply in the format of the Messages API, prepared before the measurement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = re.compile(rb"bench:(\d+):(\d+)")

_USAGE = {"input_tokens": 10, "output_tokens": 1}
_START = {
    "type": "message_start",
    "message": {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "bench",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _USAGE,
    },
}
_BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
_DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Imbi knows more, "}}
_BLOCK_STOP = {"type": "content_block_stop", "index": 0}
_DELTA_STOP = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 9},
}


def _event(data: Mapping[str, object]) -> bytes:
    """Render an event as one chunk of a chunked body, because the API sends each event separately."""
    frame = b"event: %b\ndata: %b\n\n" % (str(data["type"]).encode(), orjson.dumps(data))
    return b"%x\r\n%b\r\n" % (len(frame), frame)


HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_bench\r\n"
    b"transfer-encoding: chunked\r\n\r\n" + _event(_START) + _event(_BLOCK)
)
DELTA = _event(_DELTA)
TAIL = _event(_BLOCK_STOP) + _event(_DELTA_STOP) + _event({"type": "message_stop"}) + b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Shape:
    """The length of a reply, and the microseconds between its events; 0 sends them as fast as they are read."""

    events: int
    interval: int = 0

    @property
    def seconds(self) -> float:
        """The duration of the reply if the reader keeps up, in seconds."""
        return (self.events - 1) * self.interval / 1e6

    @property
    def mark(self) -> str:
        """The text in a question that asks for such a reply."""
        return f"bench:{self.events}:{self.interval}"

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Return the shape that the last mark in a request asks for."""
        at = body.rfind(b"bench:")
        found = _MARK.match(body, at) if at >= 0 else None
        return cls(int(found[1]), int(found[2])) if found else cls(1)
