"""HTTP connections that are kept from one request to the next, and replaced when they are stale.

A server closes an idle connection whenever it likes, and a process that was frozen does not notice it. A request that
fails on such a connection is sent again over a new one, unless the server may have acted on it (RFC 9110, 9.2.2).
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from functools import partial
from typing import TYPE_CHECKING, TypeAlias
from urllib.request import getproxies, proxy_bypass_environment  # type: ignore[attr-defined]  # missing in typeshed

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

KEPT_SECONDS = 50.0
"""The time for which an idle connection is kept. Most load balancers close one after 60 seconds or later."""
RECENT_SECONDS = 3.0
"""The same for requests that may not be sent twice. Most application servers close a connection after 5 seconds."""
REPEATABLE = "imbi_assistant.repeatable"
"""The extension of a request that says whether it may be sent twice; by default its method decides."""
ONE_CONNECTION = httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=None)
"""The limits of a transport that is one connection."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FROZEN_SECONDS = 2.0
"""If the wall clock has advanced by this much more than the monotonic clock, the process was frozen."""
_STALE = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)

_Origin: TypeAlias = tuple[str, str, int | None]


def proxy_for(url: str, proxies: Mapping[str, str] | None = None) -> str | None:
    """Return the proxy that the environment names for a URL (`HTTPS_PROXY`, `NO_PROXY` and so on), or None.

    A proxy without a scheme is an HTTP proxy. `NO_PROXY` may name hosts with and without their ports. `proxies` are the
    environment's, by the first word of their variables in lower case.
    """
    named = getproxies() if proxies is None else proxies
    parsed = httpx2.URL(url)
    if any(proxy_bypass_environment(host, named) for host in (parsed.host, parsed.netloc.decode("ascii"))):
        return None
    proxy = named.get(parsed.scheme) or named.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


class KeptConnections(httpx2.AsyncBaseTransport):
    """A transport that keeps idle connections, and takes the one that was used last.

    httpx2's own pool looks at every connection for each request: after a burst of 500, that would cost more than the
    request itself. Here each connection is a transport of its own.
    """

    def __init__(
        self,
        open_connection: Callable[[], httpx2.AsyncBaseTransport],
        most: int,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`open_connection` makes a transport with the limits ONE_CONNECTION, and `most` of them are used at once.

        The clocks return seconds, and only the wall clock advances during a freeze.
        """
        self._open_connection = open_connection
        self._places = asyncio.Semaphore(most)
        self._wall = wall
        self._monotonic = monotonic
        self._drift = wall() - monotonic()
        self._idle: defaultdict[_Origin, deque[_Connection]] = defaultdict(deque)
        self._used: set[_Connection] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; send it once more if it was repeatable and failed on a kept connection."""
        await self._retire_after_freeze()
        await self._wait_for_place(request)
        try:
            connection, response = await self._send(request)
        except BaseException:
            self._places.release()
            raise
        response.stream = _Stream(response.stream, partial(self._give_back, connection))
        return response

    async def aclose(self) -> None:
        """Close all connections, also those that are in use."""
        await self._retire()
        for connection in list(self._used):
            await connection.transport.aclose()

    async def _wait_for_place(self, request: httpx2.Request) -> None:
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._places.acquire()
        except TimeoutError:
            raise httpx2.PoolTimeout("all connections are in use", request=request) from None

    async def _send(self, request: httpx2.Request) -> tuple[_Connection, httpx2.Response]:
        is_repeatable = request.extensions.get(REPEATABLE, request.method in _SAFE_METHODS)
        origin = request.url.scheme, request.url.host, request.url.port
        kept = await self._take(origin, KEPT_SECONDS if is_repeatable else RECENT_SECONDS)
        if kept is not None:
            try:
                return kept, await self._send_over(kept, request)
            except _STALE:
                if not is_repeatable:
                    raise
            # The other idle connections are probably stale as well.
            await self._retire()
        connection = _Connection(self._open_connection(), origin)
        return connection, await self._send_over(connection, request)

    async def _send_over(self, connection: _Connection, request: httpx2.Request) -> httpx2.Response:
        self._used.add(connection)
        try:
            return await connection.transport.handle_async_request(request)
        except BaseException:
            self._used.discard(connection)
            await connection.transport.aclose()
            raise

    async def _take(self, origin: _Origin, seconds: float) -> _Connection | None:
        """Return the idle connection that was used last, if that is at most so many seconds ago."""
        idle, now = self._idle[origin], self._monotonic()
        while idle and now - idle[0].idle_since > KEPT_SECONDS:
            await idle.popleft().transport.aclose()
        return idle.pop() if idle and now - idle[-1].idle_since <= seconds else None

    async def _give_back(self, connection: _Connection) -> None:
        """Keep a connection whose response is over, unless it was retired meanwhile."""
        self._places.release()
        self._used.discard(connection)
        if connection.is_retired:
            await connection.transport.aclose()
        else:
            connection.idle_since = self._monotonic()
            self._idle[connection.origin].append(connection)

    async def _retire_after_freeze(self) -> None:
        drift = self._wall() - self._monotonic()
        was_frozen = abs(drift - self._drift) > _FROZEN_SECONDS
        self._drift = drift
        if was_frozen:
            await self._retire()

    async def _retire(self) -> None:
        """Close the idle connections now, and the others as soon as their responses are over."""
        idle = [connection for each in self._idle.values() for connection in each]
        self._idle.clear()
        for connection in self._used:
            connection.is_retired = True
        for connection in idle:
            await connection.transport.aclose()


class _Connection:
    """A transport that is one connection."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, origin: _Origin) -> None:
        self.transport = transport
        self.origin = origin
        self.idle_since = 0.0
        self.is_retired = False


class _Stream(httpx2.AsyncByteStream):
    """A response's stream that gives its connection back when it is closed."""

    def __init__(self, stream: object, give_back: Callable[[], Awaitable[None]]) -> None:
        assert isinstance(stream, httpx2.AsyncByteStream)  # noqa: S101  # an asynchronous transport gives no other
        self._stream = stream
        self._give_back: Callable[[], Awaitable[None]] | None = give_back

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        give_back, self._give_back = self._give_back, None
        try:
            await self._stream.aclose()
        finally:
            if give_back is not None:
                await give_back()
