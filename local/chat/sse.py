"""A parser of Server-Sent Events that accepts bytes in pieces of any size."""

from __future__ import annotations

import codecs
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """An event of a stream, with the lines of its data joined."""

    event: str
    data: str


class FrameReader:
    """Collects bytes and returns complete frames; a frame without its closing empty line is never returned."""

    def __init__(self) -> None:
        # A piece may end inside a character.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._line = ""
        self._event = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> list[Frame]:
        """Add bytes and return the frames that they complete."""
        *lines, self._line = (self._line + self._decoder.decode(piece)).split("\n")
        return [frame for line in lines if (frame := self._take(line.removesuffix("\r")))]

    def _take(self, line: str) -> Frame | None:
        if not line:
            return self._finish()
        # The field name of a comment is empty.
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "data":
            self._data.append(value)
        return None

    def _finish(self) -> Frame | None:
        frame = Frame(self._event or "message", "\n".join(self._data)) if self._data else None
        self._event, self._data = "", []
        return frame
