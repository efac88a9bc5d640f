"""A proxy between the service and its database that counts round trips and can be closed."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.background import entered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

CHUNK = 65_536
STARTUP_HEADER = 4
HEADER = 5
ENDS_A_ROUND_TRIP = b"SQ"
"""Sync and Query: what a client sends before it waits for ReadyForQuery."""


class RoundTrips:
    """Follows a client's messages and counts those that it waits for an answer to."""

    def __init__(self) -> None:
        self.count = 0
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
            self._rest = self._rest[size:]
            self._has_started = True
            self.count += bool(kind) and kind in ENDS_A_ROUND_TRIP


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
    def round_trips(self) -> int:
        """How many round trips there have been by now."""
        return sum(connection.count for connection in self._connections)

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
                self._passed_on(reader, other_writer, trips), self._passed_on(other_reader, writer), return_exceptions=True
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
