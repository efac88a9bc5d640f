"""A TCP proxy that a test can make fail: it refuses, resets, hangs, crawls, and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.background import background_loop, run_in
from tests.support.model_http import RST_ON_CLOSE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

CHUNK = 65_536


class _Link:
    """One connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter | None) -> None:
        self.writers = [writer for writer in (client, server) if writer is not None]
        self.is_dead = False

    def reset(self) -> None:
        for writer in self.writers:
            sock: socket.socket | None = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                if sock is not None:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
            writer.transport.abort()


class Proxy:
    """Stands before a server; its methods may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> None:
        self.requests = 0
        """How many pieces clients have sent."""
        self.delay = 0.0
        """Seconds by which each piece is held back."""
        self.port = 0
        self._loop = loop
        self._upstream = (host, port)
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._is_hanging = False
        self._break: tuple[bytes, bool] | None = None

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._links)

    def reset(self) -> None:
        """Reset every connection; new ones are taken."""
        run_in(self._loop, self._reset())

    def kill(self) -> None:
        """Reset every connection and refuse new ones."""
        run_in(self._loop, self._kill())

    def hang(self) -> None:
        """Take connections and bytes and never answer; those that are open now never will again."""
        self._is_hanging = True
        for link in list(self._links):
            link.is_dead = True

    def revive(self) -> None:
        """Serve new connections as if nothing had been."""
        self._is_hanging = False
        self.delay = 0.0
        self._break = None
        run_in(self._loop, self._listen())

    def break_at(self, sign: bytes, *, arrives: bool) -> None:
        """Reset the connection of the next client that sends these bytes; say whether they still arrive."""
        self._break = (sign, arrives)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _reset(self) -> None:
        for link in list(self._links):
            link.reset()

    async def _kill(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._reset()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_hanging:
            link = _Link(writer, None)
            link.is_dead = True
            self._links.add(link)
            await self._pump(link, reader, writer, is_upward=False)
            return
        upstream_reader, upstream = await asyncio.open_connection(*self._upstream)
        link = _Link(writer, upstream)
        self._links.add(link)
        pumps = [
            asyncio.create_task(self._pump(link, reader, upstream, is_upward=True)),
            asyncio.create_task(self._pump(link, upstream_reader, writer, is_upward=False)),
        ]
        await asyncio.wait(pumps)

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_upward: bool
    ) -> None:
        try:
            while data := await reader.read(CHUNK):
                self.requests += is_upward
                if self.delay:
                    await asyncio.sleep(self.delay)
                breaks = is_upward and self._break is not None and self._break[0] in data
                if not link.is_dead and not (breaks and self._break and not self._break[1]):
                    writer.write(data)
                    await writer.drain()
                if breaks:
                    self._break = None
                    link.is_dead = True
                    # What was sent before a reset may be thrown away with it: it goes the tidy way.
                    link.writers[1].close()
                    link.writers.pop()
                    link.reset()
        except OSError:
            pass
        finally:
            self._links.discard(link)
            for each in link.writers:
                each.close()


@contextmanager
def proxied(url: str) -> Iterator[tuple[Proxy, str]]:
    """Stand before a URL's host; gives the proxy and the URL that leads through it."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError("a proxy needs a host and a port")
    with background_loop("proxy") as loop:
        proxy = Proxy(loop, parts.hostname, parts.port)
        proxy.revive()
        netloc = parts.netloc.rpartition("@")
        yield proxy, parts._replace(netloc=f"{netloc[0]}{netloc[1]}127.0.0.1:{proxy.port}").geturl()
        proxy.kill()


@asynccontextmanager
async def away(proxy: Proxy) -> AsyncIterator[None]:
    """Be away for as long as the context lasts."""
    proxy.kill()
    try:
        yield
    finally:
        proxy.revive()
