"""A distance to a server: TLS, and a delay of each piece of data, as over a network with a given round trip."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.tls import localhost_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_CHUNK = 65_536


@dataclass(slots=True)
class Distance:
    """The relay; `connections` counts the connections that clients have opened."""

    url: str
    certificate: Path
    connections: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


@asynccontextmanager
async def distant(upstream_url: str, directory: Path, round_trip: float) -> AsyncIterator[Distance]:
    """Relay to an upstream over TLS, with a round trip in seconds."""
    upstream = urlsplit(upstream_url)
    certificate, context = localhost_certificate(directory)
    distance = Distance("", certificate)

    async def terminate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _join(reader, writer, await asyncio.open_connection(upstream.hostname, upstream.port), 0.0)

    async def delay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        distance.connections += 1
        # The round trip in which TCP opens the connection.
        await asyncio.sleep(round_trip)
        await _join(reader, writer, await asyncio.open_connection("127.0.0.1", port), round_trip / 2)

    inner = await asyncio.start_server(terminate, "127.0.0.1", 0, ssl=context)
    port = inner.sockets[0].getsockname()[1]
    outer = await asyncio.start_server(delay, "127.0.0.1", 0)
    distance.url = f"https://localhost:{outer.sockets[0].getsockname()[1]}"
    try:
        yield distance
    finally:
        outer.close()
        inner.close()


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    other: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    seconds: float,
) -> None:
    with suppress(OSError):
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(reader, other[1], seconds))
            group.create_task(_pump(other[0], writer, seconds))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Write each piece after a delay; a piece does not wait for the delay of an earlier one."""
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            loop.call_later(seconds, writer.write, data)
    loop.call_later(seconds, writer.close)
