"""A small HTTP/1.1 server whose answers may break off, for tests: every byte and every close is the handler's.

An application server closes connections tidily; a test of a client has to see them cut, reset and stalled.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import weakref
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self, TypeAlias

import h11

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

CHUNK = 65_536
START_SECONDS = 30
STOP_SECONDS = 30
RST_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: the kernel resets the connection when it is closed."""


class ClientGone(Exception):
    """The client closed the connection before its answer was complete."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class Responder:
    """One answer on a connection."""

    def __init__(self, writer: asyncio.StreamWriter, connection: h11.Connection) -> None:
        self._writer = writer
        self._connection = connection

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers."""
        fields = [(name.encode(), value.encode()) for name, value in headers.items()]
        reason = HTTPStatus(status).phrase.encode() if status in HTTPStatus._value2member_map_ else b""
        await self._send(h11.Response(status_code=status, headers=fields, reason=reason))

    async def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        await self._send(h11.Data(data=data))

    async def finish(self) -> None:
        """End the body cleanly."""
        await self._send(h11.EndOfMessage())

    def cut(self) -> None:
        """Close the connection in the middle of the body."""
        self._writer.close()

    def reset(self) -> None:
        """Reset the connection."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
        self._writer.transport.abort()

    async def _send(self, piece: h11.Event) -> None:
        data = self._connection.send(piece)
        if data:
            self._writer.write(data)
        await self._writer.drain()


Handler: TypeAlias = "Callable[[HttpRequest, Responder], Awaitable[None]]"


async def serve_connection(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection, one after the other, until it ends."""
    connection = h11.Connection(h11.SERVER)
    try:
        while request := await _next_request(connection, reader):
            early = await _answer(handler(request, Responder(writer, connection)), reader)
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()
            if early:
                connection.receive_data(early)
    except (ConnectionError, h11.RemoteProtocolError, ClientGone):
        return
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _next_request(connection: h11.Connection, reader: asyncio.StreamReader) -> HttpRequest | None:
    """Read a whole request; None where the client has sent its last."""
    head: h11.Request | None = None
    content = bytearray()
    while True:
        piece = connection.next_event()
        if piece is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
        elif isinstance(piece, h11.Request):
            head = piece
        elif isinstance(piece, h11.Data):
            content += piece.data
        elif isinstance(piece, h11.EndOfMessage) and head is not None:
            headers = {name.decode().lower(): value.decode("latin-1") for name, value in head.headers}
            return HttpRequest(head.method.decode(), head.target.decode(), headers, bytes(content))
        else:
            return None


async def _answer(answer: Awaitable[None], reader: asyncio.StreamReader) -> bytes:
    """Run an answer beside a look at the socket; returns what has come of the next request meanwhile.

    Raises:
        ClientGone: the client closed the connection first; the answer was cancelled.
    """
    answering = asyncio.ensure_future(answer)
    watching = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done() and not watching.result():
            raise ClientGone
        await answering
        return watching.result() if watching.done() else b""
    finally:
        for task in (answering, watching):
            task.cancel()
        await asyncio.gather(answering, watching, return_exceptions=True)


class HttpServer:
    """A server on 127.0.0.1 in a thread with an event loop of its own; use it as a context manager."""

    def __init__(self, name: str) -> None:
        self.port = 0
        self.accepted = 0
        """The number of connections that clients have opened so far."""
        self._writers: weakref.WeakSet[asyncio.StreamWriter] = weakref.WeakSet()
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._started: Future[int] = Future()
        self._stopping = asyncio.Event()

    async def handle(self, http: HttpRequest, responder: Responder) -> None:
        """Answer one request."""
        raise NotImplementedError

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server; it listens when this returns."""
        self._thread.start()
        self.port = self._started.result(START_SECONDS)

    def stop(self) -> None:
        """Stop the server, and with it every answer that is under way."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise RuntimeError("The server did not stop in time.")

    def close_connections(self) -> None:
        """Close every connection, as a server does with idle ones; returns when all are closed."""
        asyncio.run_coroutine_threadsafe(self._close_connections(), self._loop).result(STOP_SECONDS)

    async def _close_connections(self) -> None:
        for writer in list(self._writers):
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        connections: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.accepted += 1
            self._writers.add(writer)
            task = self._loop.create_task(serve_connection(self.handle, reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._started.set_result(server.sockets[0].getsockname()[1])
        await self._stopping.wait()
        server.close()
        open_connections = list(connections)
        for task in open_connections:
            task.cancel()
        await asyncio.gather(*open_connections, return_exceptions=True)
