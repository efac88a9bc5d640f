"""A Lambda Runtime API for tests, on a real socket; it records what the function sends."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

RUNTIME = "/2018-06-01/runtime"
SECONDS = 60
"""How long anything may take."""
PRELUDE_END = bytes(8)


@dataclass(slots=True)
class Invocation:
    """One invocation: what the function is given, and what it answers."""

    event: Any
    deadline: float
    """In seconds since the epoch."""
    id: str = field(default_factory=lambda: str(uuid4()))
    headers: dict[str, str] = field(default_factory=dict)
    """Of the answer's request, in lower case."""
    chunks: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    trailer_bytes: int = 0
    error: dict[str, Any] | None = None
    result: Any = None
    """The answer, if it was not streamed."""
    is_broken: bool = False
    """The connection that carried the answer ended before it."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    may_read: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared, the reader reads nothing."""
    refuse_after: int | None = None
    """After so many chunks the platform has enough and answers with an error."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, data: bytes) -> None:
        self.chunks.append(data)
        self._changed.set()

    @property
    def payload(self) -> bytes:
        """All bytes so far, prelude and body."""
        return b"".join(self.chunks)

    @property
    def prelude(self) -> dict[str, Any]:
        """Status, headers and cookies."""
        prelude = json.loads(self.payload.partition(PRELUDE_END)[0])
        assert isinstance(prelude, dict)
        return prelude

    @property
    def body(self) -> bytes:
        """The body so far."""
        return self.payload.partition(PRELUDE_END)[2]

    @property
    def json(self) -> Any:
        """The body, where it is JSON."""
        return json.loads(self.body)

    @property
    def trailed_error(self) -> Any:
        """The error in the trailers."""
        return json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))

    async def end(self) -> Self:
        """Wait for the end, whatever it is."""
        async with asyncio.timeout(SECONDS):
            await self.ended.wait()
        return self

    async def until(self, data: bytes) -> None:
        """Wait until the body has some bytes in it."""
        async with asyncio.timeout(SECONDS):
            while data not in self.body:
                assert not self.ended.is_set(), f"the answer ended without {data!r}: {self.payload!r} {self.error}"
                self._changed.clear()
                await self._changed.wait()


class RuntimeApiServer:
    """The Runtime API of one environment."""

    def __init__(self) -> None:
        self.address = ""
        self.init_errors: list[dict[str, Any]] = []
        self.restore_errors: list[dict[str, Any]] = []
        self.may_restore = asyncio.Event()
        self.asked = asyncio.Event()
        """Set while the function waits for an invocation."""
        self.asked_to_restore = asyncio.Event()
        self.next_status: list[int] = []
        """What the next requests for an invocation are answered with, before any is given out."""
        self.connections_to_drop = 0
        """So many connections are closed without an answer."""
        self._queue: asyncio.Queue[Invocation] = asyncio.Queue()
        self._invocations: dict[str, Invocation] = {}
        self._server: asyncio.Server | None = None
        self._is_lost = False
        self._handlers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.lose()

    async def lose(self) -> None:
        """Stop listening and cut every connection."""
        self._is_lost = True
        if self._server is not None:
            self._server.close()
        for handler in self._handlers:
            handler.cancel()
        if self._handlers:
            await asyncio.wait(self._handlers)
        # Transports close in the loop's next turns.
        for _ in range(10):
            await asyncio.sleep(0)

    def invoke(self, event: Any, *, seconds: float = 60.0, refuse_after: int | None = None) -> Invocation:
        """Queue an invocation that may take so many seconds."""
        invocation = Invocation(event, time.time() + seconds, refuse_after=refuse_after)
        invocation.may_read.set()
        self._invocations[invocation.id] = invocation
        self._queue.put_nowait(invocation)
        return invocation

    async def idle(self) -> None:
        """Wait until the function asks for an invocation and there is none."""
        async with asyncio.timeout(SECONDS):
            await self.asked.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            if self._is_lost:
                return
            if self.connections_to_drop:
                self.connections_to_drop -= 1
                return
            await self._handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._handlers.discard(task)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, path, _ = (await reader.readuntil(b"\r\n")).decode().split(" ", 2)
        headers = await _headers(reader)
        path = path.removeprefix(RUNTIME)
        if (method, path) == ("GET", "/invocation/next"):
            await self._next(writer)
        elif (method, path) == ("GET", "/restore/next"):
            self.asked_to_restore.set()
            await self.may_restore.wait()
            await _answer(writer, 200)
        elif path.endswith("/response"):
            await self._response(self._invocations[path.split("/")[2]], headers, reader, writer)
        else:
            error = json.loads(await reader.readexactly(int(headers["content-length"])))
            await _answer(writer, 202)
            self._take_error(path, headers, error)

    async def _next(self, writer: asyncio.StreamWriter) -> None:
        if self.next_status:
            await _answer(writer, self.next_status.pop(0))
            return
        if self._queue.empty():
            self.asked.set()
        invocation = await self._queue.get()
        self.asked.clear()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:tested",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
            "Lambda-Runtime-Invocation-Id": f"invocation-of-{invocation.id}",
            "Content-Type": "application/json",
        }
        await _answer(writer, 200, json.dumps(invocation.event).encode(), headers)

    def _take_error(self, path: str, headers: dict[str, str], error: dict[str, Any]) -> None:
        error["type in header"] = headers.get("lambda-runtime-function-error-type")
        if path == "/init/error":
            self.init_errors.append(error)
        elif path == "/restore/error":
            self.restore_errors.append(error)
        else:
            invocation = self._invocations[path.split("/")[2]]
            invocation.headers, invocation.error = headers, error
            invocation.ended.set()

    async def _response(
        self,
        invocation: Invocation,
        headers: dict[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        invocation.headers = headers
        if "content-length" in headers:
            invocation.result = json.loads(await reader.readexactly(int(headers["content-length"])))
            await _answer(writer, 202)
            invocation.ended.set()
            return
        try:
            while True:
                await invocation.may_read.wait()
                size = int((await reader.readuntil(b"\r\n")).strip(), 16)
                if not size:
                    break
                invocation.add(await reader.readexactly(size))
                await reader.readexactly(2)
                if invocation.refuse_after is not None and len(invocation.chunks) > invocation.refuse_after:
                    await _answer(writer, 413, b'{"errorType": "RequestEntityTooLarge"}')
                    return
            trailers = await _headers(reader)
            invocation.trailers = trailers
            invocation.trailer_bytes = sum(len(name) + len(value) + 4 for name, value in trailers.items())
            await _answer(writer, 202)
        except (ConnectionError, asyncio.IncompleteReadError):
            invocation.is_broken = True
        finally:
            invocation.ended.set()


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    while (line := (await reader.readuntil(b"\r\n")).decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers


async def _answer(
    writer: asyncio.StreamWriter, status: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> None:
    """Answer in chunks where the body is long, as Go's HTTP server does."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if len(body) > 2048:
        half = len(body) // 2
        lines.append("Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:])) + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()


@asynccontextmanager
async def runtime_api() -> AsyncIterator[RuntimeApiServer]:
    """Serve a Runtime API."""
    async with RuntimeApiServer() as server:
        yield server
