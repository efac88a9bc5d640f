"""A cheap HTTP client: it speaks the raw protocol, and looks at the bytes only when all have arrived."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import cast

import orjson


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and the bytes that mark the first word and the regular end of its streams."""

    host: str
    port: int
    headers: bytes
    word: bytes
    end: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one request; times are in seconds from before the connection was opened."""

    first_word: float
    whole: float
    words: int
    is_good: bool
    size: int


class _RequestProtocol(asyncio.Protocol):
    def __init__(self, request: bytes, word: bytes) -> None:
        self._request = request
        self._word = word
        self.pieces: list[bytes] = []
        self.first_word: float | None = None
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        if self.first_word is None and self._word in data:
            self.first_word = time.perf_counter()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(time.perf_counter())


async def exchange(target: Target, method: str, path: str, body: object = None, *, seconds: float = 300) -> Outcome:
    """Send a request on its own connection and read the whole response."""
    content = b"" if body is None else orjson.dumps(body)
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\n"
    ).encode() + target.headers
    began = time.perf_counter()
    made: _RequestProtocol | None = None
    ended = began
    try:
        async with asyncio.timeout(seconds):
            _, made = await asyncio.get_running_loop().create_connection(
                lambda: _RequestProtocol(head + b"\r\n" + content, target.word), target.host, target.port
            )
            ended = await made.over
    except (OSError, TimeoutError):
        ended = time.perf_counter()
    return _outcome(target, made, began, ended)


def _outcome(target: Target, made: _RequestProtocol | None, began: float, ended: float) -> Outcome:
    received = b"".join(made.pieces) if made else b""
    head, _, body = received.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        body = _joined(body)
    first_word = made.first_word if made and made.first_word is not None else ended
    return Outcome(
        first_word=first_word - began,
        whole=ended - began,
        words=body.count(target.word),
        is_good=head.startswith(b"HTTP/1.1 20") and target.end in body,
        size=len(body),
    )


def _joined(body: bytes) -> bytes:
    """Join the chunks of a chunked body; of a body that was cut off, the complete ones."""
    pieces, at = [], 0
    while (line := body.find(b"\r\n", at)) >= 0 and (size := int(body[at:line], 16)):
        pieces.append(body[line + 2 : line + 2 + size])
        at = line + 2 + size + 2
    return b"".join(pieces)
