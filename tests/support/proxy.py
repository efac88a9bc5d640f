"""A proxy between the service and its database that counts round trips and can be closed."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.background import entered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

CHUNK = 65_536
HEADER = 5
ENDS_A_ROUND_TRIP = b"SQ"
"""Sync and Query: what a client sends before it waits for ReadyForQuery."""

CARRIES_A_STATEMENT = b"PQ"
"""Parse and Query: what carries a statement's text."""


def statement_of(kind: bytes, body: bytes) -> str:
    """Read the text of a Parse (behind the name) or a Query."""
    parts = body.split(b"\0")
    return " ".join(parts[0 if kind == b"Q" else 1].decode().split())


class RoundTrips:
    """Follows a client's messages; a trip is the statements that it sends before it waits for their answers."""

    def __init__(self) -> None:
        self.trips: list[list[str]] = []
        self._statements: list[str] = []
        self._rest = b""
        self._has_started = False

    def feed(self, data: bytes) -> None:
        """Read a piece of what the client sends."""
        self._rest += data
        while len(self._rest) >= HEADER:
            kind, length = (self._rest[:1], self._rest[1:HEADER]) if self._has_started else (b"", self._rest[:4])
            size = struct.unpack("!I", length)[0] + len(kind)
            if len(self._rest) < size:
                return
            body, self._rest = self._rest[HEADER:size], self._rest[size:]
            if self._has_started:
                self._take(kind, body)
            self._has_started = True

    def _take(self, kind: bytes, body: bytes) -> None:
        if kind in CARRIES_A_STATEMENT:
            self._statements.append(statement_of(kind, body))
        if kind in ENDS_A_ROUND_TRIP:
            self.trips.append(self._statements)
            self._statements = []


class Proxy:
    """The proxy; its methods may be called from any thread's loop."""

    def __init__(self, dsn: str) -> None:
        parts = conninfo_to_dict(dsn)
        self._target = str(parts.get("host") or "localhost"), int(parts.get("port") or 5432)
        self._original = dsn
        self._connections: list[RoundTrips] = []
        self._open: set[asyncio.StreamWriter] = set()
        self._is_open = True
        self.dsn = ""

    @property
    def trips(self) -> list[list[str]]:
        """The statements of every round trip by now, connection by connection."""
        return [trip for connection in self._connections for trip in connection.trips]

    async def close_the_door(self) -> None:
        """Drop every connection and take no new one."""
        await self._in_loop(self._set_open(is_open=False))

    async def open_the_door(self) -> None:
        """Take connections again."""
        await self._in_loop(self._set_open(is_open=True))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """Listen on a port of the system's choice."""
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.dsn = make_conninfo(self._original, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
        try:
            yield self
        finally:
            await self._set_open(is_open=False)
            server.close()

    async def _in_loop(self, work: Coroutine[None, None, None]) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _set_open(self, *, is_open: bool) -> None:
        self._is_open = is_open
        for writer in [] if is_open else list(self._open):
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.transport.abort()
            return
        trips = RoundTrips()
        self._connections.append(trips)
        with suppress(OSError):
            other_reader, other_writer = await asyncio.open_connection(*self._target)
            self._open |= {writer, other_writer}
            await asyncio.gather(
                self._passed_on(reader, other_writer, trips),
                self._passed_on(other_reader, writer),
                return_exceptions=True,
            )
            self._open -= {writer, other_writer}

    async def _passed_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trips: RoundTrips | None = None
    ) -> None:
        try:
            while data := await reader.read(CHUNK):
                if trips is not None:
                    trips.feed(data)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@contextmanager
def proxied(dsn: str) -> Iterator[Proxy]:
    """Run a proxy in front of a database, in the background."""
    with entered(Proxy(dsn).running(), "proxy") as proxy:
        yield proxy
