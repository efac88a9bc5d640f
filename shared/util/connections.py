"""HTTP connections that are kept from one request to the next, and replaced when they are stale.

A server closes an idle connection whenever it likes, and a process that was frozen does not notice it. A request that
fails on such a connection is sent again over a new one, unless the server may have acted on it (RFC 9110, 9.2.2).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
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

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FROZEN_SECONDS = 2.0
"""If the wall clock has advanced by this much more than the monotonic clock, the process was frozen."""
_STALE = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)


def limits(most: int, kept_seconds: float) -> httpx2.Limits:
    """Return the limits of a pool with at most this number of connections."""
    return httpx2.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=kept_seconds)


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
    """A transport whose pools of connections are replaced after a freeze or a stale connection.

    Requests that may not be sent twice have a pool of their own, whose idle connections are dropped before a server
    would close them. The moment in which it does so cannot be seen in time.
    """

    def __init__(
        self,
        open_pool: Callable[[float], httpx2.AsyncBaseTransport],
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`open_pool` makes a pool that keeps idle connections for a number of seconds.

        The clocks return seconds, and only the wall clock advances during a freeze.
        """
        self._open_pool = open_pool
        self._wall = wall
        self._monotonic = monotonic
        self._drift = wall() - monotonic()
        self._pools: dict[float, _Pool] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; send it once more if it was repeatable and failed on a kept connection."""
        await self._retire_after_freeze()
        if not request.extensions.get(REPEATABLE, request.method in _SAFE_METHODS):
            return await self._pool(RECENT_SECONDS).send(request)
        trace = _Trace(request.extensions.get("trace"))
        request.extensions = {**request.extensions, "trace": trace}
        pool = self._pool(KEPT_SECONDS)
        try:
            return await pool.send(request)
        except _STALE:
            if trace.has_connected:
                raise
        # The other connections of the pool are probably stale as well.
        await self._retire(pool)
        return await self._pool(KEPT_SECONDS).send(request)

    async def aclose(self) -> None:
        """Close all connections, also those that are in use."""
        for pool in self._pools.values():
            await pool.transport.aclose()

    def _pool(self, kept_seconds: float) -> _Pool:
        pool = self._pools.get(kept_seconds)
        if pool is None:
            pool = self._pools[kept_seconds] = _Pool(self._open_pool(kept_seconds))
        return pool

    async def _retire_after_freeze(self) -> None:
        drift = self._wall() - self._monotonic()
        was_frozen = abs(drift - self._drift) > _FROZEN_SECONDS
        self._drift = drift
        if was_frozen:
            for pool in list(self._pools.values()):
                await self._retire(pool)

    async def _retire(self, pool: _Pool) -> None:
        """Use a pool no more; it closes as soon as its running responses are over."""
        self._pools = {seconds: each for seconds, each in self._pools.items() if each is not pool}
        await pool.retire()


class _Trace:
    """Notes whether a request has opened a connection, and passes everything on to the request's own trace."""

    def __init__(self, inner: Callable[[str, Mapping[str, object]], Awaitable[None]] | None = None) -> None:
        self.has_connected = False
        self._inner = inner

    async def __call__(self, event: str, info: Mapping[str, object]) -> None:
        if event.startswith("connection.connect"):
            self.has_connected = True
        if self._inner is not None:
            await self._inner(event, info)


class _Pool:
    """A pool that closes when it is retired and its last response is over."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self.transport = transport
        self._in_use = 0
        self._is_retired = False

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        self._in_use += 1
        try:
            response = await self.transport.handle_async_request(request)
        except BaseException:
            await self.give_back()
            raise
        response.stream = _CountedStream(response.stream, self)
        return response

    async def retire(self) -> None:
        self._is_retired = True
        await self._close_if_unused()

    async def give_back(self) -> None:
        self._in_use -= 1
        await self._close_if_unused()

    async def _close_if_unused(self) -> None:
        if self._is_retired and self._in_use == 0:
            await self.transport.aclose()


class _CountedStream(httpx2.AsyncByteStream):
    """A response's stream that tells its pool when it is closed."""

    def __init__(self, stream: object, pool: _Pool) -> None:
        assert isinstance(stream, httpx2.AsyncByteStream)  # noqa: S101  # an asynchronous transport gives no other
        self._stream = stream
        self._pool: _Pool | None = pool

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        try:
            await self._stream.aclose()
        finally:
            if pool is not None:
                await pool.give_back()
