"""The way to the Imbi API: the caller's credential out, the answer back, and nothing to any other host."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2

from shared.domain.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator

_MOST_REDIRECTS = 5
_CONNECTIONS = 100
_UNCERTAIN = "If this was to change something, look whether it did before trying again."

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered."""

    status: int
    media_type: str
    charset: str
    body: bytes


@dataclass(slots=True)
class _Exchange:
    """One call: the caller's token on the way out, the answer or what went wrong on the way back."""

    token: str = field(repr=False)
    most_bytes: int
    answer: Answer | None = None
    failure: Exception | None = None


class _TooLarge(Exception):
    """The answer is larger than what is read."""


class _Elsewhere(Exception):
    """The answer leads to another host."""


_exchange: ContextVar[_Exchange | None] = ContextVar("imbi_api_exchange", default=None)


class _CallerAuth(httpx2.Auth):
    """Sends the token of whoever is calling now; it is never kept on the client that all callers share."""

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        exchange = _exchange.get()
        if exchange is not None and exchange.token:
            request.headers["Authorization"] = f"Bearer {exchange.token}"
        yield request


class _Border(httpx2.AsyncBaseTransport):
    """Lets requests pass to one origin only, and keeps what comes back for the caller.

    What is behind this transport gets an empty answer in place of the API's: FastMCP would read a body of any size,
    parse it and write it as JSON twice, for a result that is not used.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, origin: tuple[str, str, int | None]) -> None:
        self._transport = transport
        self._origin = origin

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = _exchange.get()
        if exchange is None:
            raise httpx2.UnsupportedProtocol("The Imbi API is called without an exchange.", request=request)
        if origin_of(request.url) != self._origin:
            exchange.failure = _Elsewhere()
            return httpx2.Response(204)
        try:
            return await self._exchanged(request, exchange)
        except (httpx2.HTTPError, _TooLarge) as failure:
            exchange.failure = failure
            return httpx2.Response(204)

    async def _exchanged(self, request: httpx2.Request, exchange: _Exchange) -> httpx2.Response:
        response = await self._transport.handle_async_request(request)
        try:
            if response.has_redirect_location:
                return httpx2.Response(response.status_code, headers={"Location": response.headers["Location"]})
            body = await _read(response.aiter_bytes(), exchange.most_bytes)
        finally:
            await response.aclose()
        media_type, _, _ = response.headers.get("Content-Type", "").partition(";")
        exchange.answer = Answer(
            response.status_code,
            media_type.strip().lower(),
            response.charset_encoding or "utf-8",
            body,
        )
        return httpx2.Response(204)

    async def aclose(self) -> None:
        await self._transport.aclose()


class ApiClient:
    """The one HTTP client of the Imbi API; each call through it carries its own caller's token."""

    def __init__(self, base_url: str, timeout: float, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """Prepare the client; `timeout` is in seconds and holds for a whole call, redirects included."""
        url = httpx2.URL(base_url)
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError(f"{base_url!r} is no HTTP URL")
        limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS // 4)
        inner = transport or httpx2.AsyncHTTPTransport(retries=1, trust_env=False, limits=limits)
        self.timeout = timeout
        self.origin = str(url.copy_with(raw_path=b"/", query=None, fragment=None, userinfo=b"")).rstrip("/")
        self.http = httpx2.AsyncClient(
            base_url=url.copy_with(query=None, fragment=None, userinfo=b""),
            transport=_Border(inner, origin_of(url)),
            auth=_CallerAuth(),
            timeout=timeout,
            follow_redirects=True,
            max_redirects=_MOST_REDIRECTS,
            trust_env=False,
        )

    async def answer(self, call: Callable[[], Awaitable[object]], *, token: str = "", most_bytes: int) -> Answer:
        """Run `call`, which makes one request through this client, for the owner of the token.

        Raises:
            ToolError: there is no answer; the message says why.
        """
        exchange = _Exchange(token, most_bytes)
        mark = _exchange.set(exchange)
        try:
            async with asyncio.timeout(self.timeout):
                await call()
        except TimeoutError:
            raise ToolError(self._late()) from None
        except Exception as error:  # noqa: BLE001  # whatever FastMCP makes of a failure, the model is told of it
            if exchange.answer is None and exchange.failure is None:
                exchange.failure = error
        finally:
            _exchange.reset(mark)
        if exchange.answer is None:
            raise ToolError(self._explained(exchange)) from None
        return exchange.answer

    def _explained(self, exchange: _Exchange) -> str:
        match exchange.failure:
            case _TooLarge():
                return f"The Imbi API's answer is larger than {exchange.most_bytes // 1_000_000} MB: ask for less."
            case _Elsewhere():
                return "The Imbi API redirected to another host, which is not followed."
            case httpx2.TimeoutException():
                return self._late()
            case httpx2.ConnectError():
                return "The Imbi API cannot be reached."
            case httpx2.TransportError():
                return f"The connection to the Imbi API broke off before its answer was complete. {_UNCERTAIN}"
            case failure:
                logger.warning("A call of the Imbi API failed: %s", type(failure).__name__)
                return "The request could not be made, or its answer not be read."

    def _late(self) -> str:
        return f"The Imbi API did not answer within {self.timeout:g} seconds. {_UNCERTAIN}"

    async def aclose(self) -> None:
        """Close all connections."""
        await self.http.aclose()


def origin_of(url: httpx2.URL) -> tuple[str, str, int | None]:
    """Take the origin of a URL; a scheme's usual port is the same as none."""
    return url.scheme, url.host, url.port


async def _read(chunks: AsyncIterator[bytes], most_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > most_bytes:
            raise _TooLarge
    return bytes(body)
