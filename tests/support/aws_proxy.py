"""A proxy between a function and what it needs, to cut every connection while the function sleeps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from types import TracebackType


class Proxy:
    """Passes bytes on, and ends connections on demand."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def before(self, variables: dict[str, str], *names: str) -> dict[str, str]:
        """Give the variables with the URLs of these names leading through here."""
        return variables | {name: await self._url(variables[name]) for name in names}

    async def cut(self) -> int:
        """End all connections, and say how many there were."""
        count = len(self._tasks)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        return count

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        await self.cut()
        for _ in range(10):
            await asyncio.sleep(0)

    async def _url(self, url: str) -> str:
        parts = urlsplit(url)
        host, port = str(parts.hostname), parts.port

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            outward: asyncio.StreamWriter | None = None
            try:
                inward, outward = await asyncio.open_connection(host, port)
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pass(reader, outward))
                    both.create_task(_pass(inward, writer))
            except* (OSError, asyncio.CancelledError):
                pass
            finally:
                self._tasks.discard(task)
                for each in (writer, outward):
                    if each is not None:
                        each.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._servers.append(server)
        user = f"{parts.username}@" if parts.username else ""
        netloc = f"{user}127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return urlunsplit((parts.scheme, netloc, parts.path, parts.query, parts.fragment))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise ConnectionError
