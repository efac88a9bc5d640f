"""A canned upstream for the benchmarks: the model and the Imbi API in one process.

It speaks the raw protocol and sends bytes that were prepared before, so that its own cost is negligible. It runs in its
own process: `python -m bench.upstream name=document.json …`; it prints its port.

- `POST /v1/messages`: a reply of the shape that the last mark in the question asks for
- `GET /<name>/openapi.json`: a document
- `GET /bytes/<n>`: n bytes
- `GET /last`: the size of the last request to the model
- anything else: an empty JSON object
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import orjson
import uvloop

from bench.wire import DELTA, HEAD, TAIL, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

_BATCH = 64
"""The number of events of an unpaced reply that are written at once; each event remains its own chunk."""

_RESULT = orjson.dumps([{"slug": f"project-{n}", "name": f"Project {n}", "tier": n % 3} for n in range(150)])
"""A result of some 2,000 tokens."""


class Canned:
    """The data that all connections share."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self.documents = documents
        self.last_size = 0

    def get(self, path: str) -> bytes:
        """Return the response body for a path."""
        match path.strip("/").split("/"):
            case [name, "openapi.json"]:
                return self.documents[name]
            case ["rich", name, "openapi.json"]:
                return self.documents[name]
            case ["rich", *_]:
                return _RESULT
            case ["bytes", size]:
                return b"x" * int(size)
            case ["last"]:
                return str(self.last_size).encode()
            case _:
                return b"{}"


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection."""

    def __init__(self, canned: Canned) -> None:
        self._canned = canned
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._left = 0
        self._interval = 0.0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_paused = False
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop writing."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def pause_writing(self) -> None:
        """Pause writing, because the reader is slower."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Resume writing."""
        self._is_paused = False
        if self._left and not self._interval:
            self._pour()

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, body_at = self._received[:end], end + 4
            size = _content_length(head)
            if len(self._received) < body_at + size:
                return
            body, self._received = self._received[body_at : body_at + size], self._received[body_at + size :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        if method == "POST" and path.endswith("/messages"):
            self._canned.last_size = len(body)
            self._stream(Shape.read(body))
            return
        content = self._canned.get(path)
        headers = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        self._write(headers.encode() + content)

    def _stream(self, shape: Shape) -> None:
        self._left, self._interval = shape.events - 1, shape.interval / 1e6
        self._write(HEAD + DELTA + (b"" if self._left else TAIL))
        self._due = self._loop.time()
        if self._left and self._interval:
            self._pace()
        elif self._left:
            self._pour()

    def _pace(self) -> None:
        self._due += self._interval
        self._timer = self._loop.call_at(self._due, self._say_one)

    def _say_one(self) -> None:
        self._left -= 1
        self._write(DELTA if self._left else DELTA + TAIL)
        if self._left:
            self._pace()

    def _pour(self) -> None:
        while self._left and not self._is_paused and self._transport is not None:
            said = min(self._left, _BATCH)
            self._left -= said
            self._write(DELTA * said + (b"" if self._left else TAIL))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"\r\ncontent-length:")
    return int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def _serve(documents: Mapping[str, bytes]) -> None:
    canned = Canned(documents)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(canned), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    uvloop.run(_serve({name: Path(path).read_bytes() for name, path in given.items()}))
