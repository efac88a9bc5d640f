"""HTTP connections that are kept from one request to the next, and replaced when they are stale.

A server closes an idle connection whenever it likes, and a process that was frozen does not notice it. A request that
fails on such a connection is sent again over a new one, unless the server may have acted on it (RFC 9110, 9.2.2).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

KEPT_SECONDS = 50.0
"""The time for which an idle connection is kept. Most load balancers close one after 60 seconds or later."""
REPEATABLE = "imbi_assistant.repeatable"
"""The extension of a request that says whether it may be sent twice; by default its method decides."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FROZEN_SECONDS = 2.0
"""If the wall clock has advanced by this much more than the monotonic clock, the process was frozen."""
_STALE = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)


def limits(most: int) -> httpx2.Limits:
    """Return the limits of a pool with at most this number of connections."""
    return httpx2.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=KEPT_SECONDS)


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a URL (`HTTPS_PROXY`, `NO_PROXY` and so on), or None."""
    parsed = httpx2.URL(url)
    if proxy_bypass(parsed.host):
        return None
    proxies = getproxies()
    return proxies.get(parsed.scheme) or proxies.get("all")


class KeptConnections(httpx2.AsyncBaseTransport):
    """A transport whose pool of connections is replaced after a freeze or a stale connection."""

    def __init__(
        self,
        open_pool: Callable[[], httpx2.AsyncBaseTransport],
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`open_pool` makes a pool; the clocks return seconds, and only the wall clock advances during a freeze."""
        self._open_pool = open_pool
        self._wall = wall
        self._monotonic = monotonic
        self._drift = wall() - monotonic()
        self._pool = _Pool(open_pool())

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; send it once more if it was repeatable and failed on a kept connection."""
        await self._renew_after_freeze()
        if not request.extensions.get(REPEATABLE, request.method in _SAFE_METHODS):
            return await self._pool.send(request)
        trace = _Trace(request.extensions.get("trace"))
        request.extensions = {**request.extensions, "trace": trace}
        pool = self._pool
        try:
            return await pool.send(request)
        except _STALE:
            if trace.has_connected:
                raise
        if pool is self._pool:
            # The other connections of the pool are probably stale as well.
            await self._renew()
        return await self._pool.send(request)

    async def aclose(self) -> None:
        """Close all connections, also those that are in use."""
        await self._pool.transport.aclose()

    async def _renew_after_freeze(self) -> None:
        drift = self._wall() - self._monotonic()
        if abs(drift - self._drift) > _FROZEN_SECONDS:
            await self._renew()
        self._drift = drift

    async def _renew(self) -> None:
        old, self._pool = self._pool, _Pool(self._open_pool())
        await old.retire()


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
