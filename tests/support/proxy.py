"""A TCP proxy in front of a server, which a test makes refuse, reset, hang, delay and recover."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.background import background_loop, run_in
from tests.support.model_http import RST_ON_CLOSE
from tests.support.round_trips import RoundTrips

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

CHUNK = 65_536


class _Link:
    """One connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter | None) -> None:
        self.writers = [writer for writer in (client, server) if writer is not None]
        self.is_dead = False
        self.round_trips: RoundTrips | None = None

    def reset(self) -> None:
        for writer in self.writers:
            sock: socket.socket | None = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                if sock is not None:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
            writer.transport.abort()


class Proxy:
    """The proxy; its methods may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, port: int, *, reads_statements: bool) -> None:
        self.url = ""
        """The server's URL or DSN, leading through the proxy."""
        self.requests = 0
        """The number of pieces that clients have sent."""
        self.delay = 0.0
        """Seconds by which each piece is held back."""
        self.on_piece: Callable[[bytes], None] = lambda _data: None
        """Called in the proxy's thread before and after each piece of a client is passed on."""
        self.rewritten: Callable[[bytes], bytes] = lambda data: data
        """Returns what clients get in place of a piece of the server."""
        self.port = 0
        self._loop = loop
        self._upstream = (host, port)
        self._reads_statements = reads_statements
        self._round_trips: list[RoundTrips] = []
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self._is_hanging = False
        self._break: tuple[bytes, bool] | None = None

    @property
    def trips(self) -> list[list[str]]:
        """The statements of every round trip so far, connection by connection, if statements are read."""
        return [trip for connection in self._round_trips for trip in connection.trips]

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._links)

    def reset(self) -> int:
        """Reset every connection, and return how many there were; new ones are accepted."""
        return run_in(self._loop, self._reset())

    def kill(self) -> None:
        """Reset every connection and refuse new ones."""
        run_in(self._loop, self._kill())

    def hang(self) -> None:
        """Accept connections and bytes and never answer, not even after `revive` on connections that are open now."""
        self._is_hanging = True
        for link in list(self._links):
            link.is_dead = True

    def revive(self) -> None:
        """Serve new connections again, without delay."""
        self._is_hanging = False
        self.delay = 0.0
        self._break = None
        run_in(self._loop, self._listen())

    def break_at(self, sign: bytes, *, arrives: bool) -> None:
        """Reset the connection of the next client that sends these bytes, which the server gets if `arrives`."""
        self._break = (sign, arrives)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _reset(self) -> int:
        links = list(self._links)
        for link in links:
            link.reset()
        return len(links)

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
        if self._reads_statements:
            link.round_trips = RoundTrips()
            self._round_trips.append(link.round_trips)
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
                if is_upward:
                    self.on_piece(data)
                else:
                    data = self.rewritten(data)
                if is_upward and link.round_trips is not None:
                    link.round_trips.feed(data)
                if self.delay:
                    await asyncio.sleep(self.delay)
                breaks = is_upward and self._break is not None and self._break[0] in data
                if not link.is_dead and not (breaks and self._break and not self._break[1]):
                    writer.write(data)
                    await writer.drain()
                    if is_upward:
                        self.on_piece(data)
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
def proxied(url: str) -> Iterator[Proxy]:
    """Run a proxy in front of a URL's host; its own URL is `proxy.url`."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError("a proxy needs a host and a port")
    with _listening(parts.hostname, parts.port, reads_statements=False) as proxy:
        netloc = parts.netloc.rpartition("@")
        proxy.url = parts._replace(netloc=f"{netloc[0]}{netloc[1]}127.0.0.1:{proxy.port}").geturl()
        yield proxy


@contextmanager
def proxied_database(dsn: str) -> Iterator[Proxy]:
    """Run a proxy in front of a database, which reads the statements as well; they must not be encrypted."""
    parts = conninfo_to_dict(dsn)
    host, port = str(parts.get("host") or "localhost"), int(parts.get("port") or 5432)
    with _listening(host, port, reads_statements=True) as proxy:
        proxy.url = make_conninfo(dsn, host="127.0.0.1", port=proxy.port, sslmode="disable", gssencmode="disable")
        yield proxy


@contextmanager
def proxied_variables(variables: Mapping[str, str], *names: str) -> Iterator[tuple[dict[str, str], list[Proxy]]]:
    """Run a proxy in front of each URL in these variables; returns the changed variables and the proxies."""
    with ExitStack() as stack:
        proxies = {name: stack.enter_context(proxied(variables[name])) for name in names}
        yield {**variables, **{name: proxy.url for name, proxy in proxies.items()}}, list(proxies.values())


@contextmanager
def _listening(host: str, port: int, *, reads_statements: bool) -> Iterator[Proxy]:
    with background_loop("proxy") as loop:
        proxy = Proxy(loop, host, port, reads_statements=reads_statements)
        proxy.revive()
        yield proxy
        proxy.kill()


@asynccontextmanager
async def away(proxy: Proxy) -> AsyncIterator[None]:
    """Refuse connections while the context lasts."""
    proxy.kill()
    try:
        yield
    finally:
        proxy.revive()
