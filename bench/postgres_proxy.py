"""A proxy before PostgreSQL that counts statements and round trips.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_STATEMENTS = frozenset(b"QE")
"""Simple queries, and executions of the extended protocol."""
_HEADER = 5
_CHUNK = 65_536


@dataclass(slots=True)
class Counts:
    """What has gone through, all connections together."""

    statements: int = 0
    round_trips: int = 0

    def since(self, before: Counts) -> Counts:
        """Give what has gone through since."""
        return Counts(self.statements - before.statements, self.round_trips - before.round_trips)

    def now(self) -> Counts:
        """Give a copy."""
        return Counts(self.statements, self.round_trips)


class _Connection:
    """Counts one connection: whenever the client speaks after the server has, a round trip begins."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._unread = b""
        self._is_started = False
        self._server_spoke = True

    def heard_client(self, data: bytes) -> None:
        if self._server_spoke and self._is_started:
            self._counts.round_trips += 1
        self._server_spoke = False
        self._unread += data
        if not self._is_started:
            # The startup message alone has no type.
            self._unread, self._is_started = self._unread[int.from_bytes(self._unread[:4]) :], True
        while len(self._unread) >= _HEADER:
            size = 1 + int.from_bytes(self._unread[1:_HEADER])
            if len(self._unread) < size:
                return
            self._counts.statements += self._unread[0] in _STATEMENTS
            self._unread = self._unread[size:]

    def heard_server(self) -> None:
        self._server_spoke = True


@asynccontextmanager
async def counting(dsn: str) -> AsyncIterator[tuple[str, Counts]]:
    """Put a proxy before a database; gives the DSN of the proxy and the counts, which go on counting."""
    parts = urlsplit(dsn)
    counts = Counts()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(counts)
        behind_reader, behind_writer = await asyncio.open_connection(parts.hostname, parts.port or 5432)
        await asyncio.gather(
            _copy(reader, behind_writer, connection.heard_client),
            _copy(behind_reader, writer, lambda _data: connection.heard_server()),
            return_exceptions=True,
        )

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        yield parts._replace(netloc=f"{user}127.0.0.1:{port}").geturl(), counts


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Callable[[bytes], None]) -> None:
    try:
        while data := await reader.read(_CHUNK):
            heard(data)
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
