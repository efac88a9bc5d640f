"""The HTTP client of the Imbi API: each call carries its own caller's token, and no request goes to another host."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import httpx2

from shared.domain.errors import GraphError, OutcomeUnknown, ToolError
from shared.tools.openapi.call_headers import mark
from shared.util.connections import ONE_CONNECTION, KeptConnections
from shared.util.response_bodies import REST_SECONDS, ResponseBodies

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator

    from shared.tools.openapi.request import ApiRequest

_MAX_REDIRECTS = 5
_MAX_CONNECTIONS = 100
_UNCERTAIN = "If this was to change something, look whether it did before trying again."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response of the API, read to its end."""

    status: int
    media_type: str
    charset: str
    body: bytes
    etag: str = ""
    location: str = ""


@dataclass(slots=True)
class _Call:
    """One call: the caller's token and the request on the way out, the response or the failure on the way back."""

    token: str = field(repr=False)
    max_bytes: int
    request: httpx2.Request | None = None
    response: ApiResponse | None = None
    failure: Exception | None = None


class _TooLarge(Exception):
    """The response is larger than the limit."""


class _OtherHost(Exception):
    """The request would go to another host."""


_current_call: ContextVar[_Call | None] = ContextVar("imbi_api_call", default=None)


class _CallAuth(httpx2.Auth):
    """Sends the current call's request with its caller's token, which is never stored on the shared client.

    FastMCP makes the requests of its tools itself, and quotes some values a second time. The request that we have
    written takes the place of FastMCP's here, where httpx2 lets an authentication decide about the request.
    """

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        call = _current_call.get()
        if call is not None:
            request = call.request or request
            if call.token:
                request.headers["Authorization"] = f"Bearer {call.token}"
        yield request


class _OneOriginTransport(httpx2.AsyncBaseTransport):
    """Sends requests to one origin only, and hands the responses to the current call.

    FastMCP gets an empty response instead of the API's. It would parse a body of any size and write it as JSON twice,
    and the result would not be used.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, origin: tuple[str, str, int | None]) -> None:
        self._transport = transport
        self._origin = origin
        self._bodies = ResponseBodies()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        call = _current_call.get()
        if call is None:
            raise httpx2.UnsupportedProtocol("The Imbi API is called outside of a call.", request=request)
        if origin_of(request.url) != self._origin:
            call.failure = _OtherHost()
            return httpx2.Response(204)
        mark(request)
        try:
            return await self._send(request, call)
        except (httpx2.HTTPError, _TooLarge) as failure:
            call.failure = failure
            return httpx2.Response(204)

    async def _send(self, request: httpx2.Request, call: _Call) -> httpx2.Response:
        response = await self._transport.handle_async_request(request)
        if response.has_redirect_location:
            self._bodies.discard(response)
            return httpx2.Response(response.status_code, headers={"Location": response.headers["Location"]})
        arriving = self._bodies.open(response)
        try:
            body = await _read(arriving, call.max_bytes)
        finally:
            arriving.release(REST_SECONDS)
        media_type, _, _ = response.headers.get("Content-Type", "").partition(";")
        call.response = ApiResponse(
            response.status_code,
            media_type.strip().lower(),
            response.charset_encoding or "utf-8",
            body,
            response.headers.get("ETag", ""),
            response.headers.get("Location", ""),
        )
        return httpx2.Response(204)

    async def aclose(self) -> None:
        await self._bodies.aclose()
        await self._transport.aclose()


class ApiClient:
    """The one HTTP client of the Imbi API, shared by all callers."""

    def __init__(self, base_url: str, timeout: float, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """Prepare the client; `timeout` is in seconds and covers a whole call with its redirects.

        Raises:
            ValueError: the base URL is not an HTTP URL.
        """
        url = httpx2.URL(base_url)
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError(f"{base_url!r} is no HTTP URL")
        # Reading the certificates takes tens of milliseconds, and all connections share the result. SSL_CERT_FILE may
        # name an operator's own.
        tls = httpx2.create_ssl_context(verify=url.scheme == "https")
        inner = transport or KeptConnections(partial(_open_connection, tls), _MAX_CONNECTIONS)
        self.timeout = timeout
        self.address = str(url.copy_with(query=None, fragment=None, userinfo=b""))
        self._base_url = url.copy_with(query=None, fragment=None, userinfo=b"")
        self.http = httpx2.AsyncClient(
            base_url=self._base_url,
            transport=_OneOriginTransport(inner, origin_of(url)),
            auth=_CallAuth(),
            timeout=timeout,
            follow_redirects=True,
            max_redirects=_MAX_REDIRECTS,
            trust_env=False,
        )

    async def fetch(self, path: str, *, max_bytes: int) -> ApiResponse:
        """Get a path without any token.

        Raises:
            ToolError: no response came; the message says why.
        """
        return await self._run(lambda: self.http.get(path), _Call("", max_bytes))

    async def send(
        self, request: ApiRequest, run: Callable[[], Awaitable[object]], *, token: str = "", max_bytes: int
    ) -> ApiResponse:
        """Send a request with a caller's token; `run` makes this client send one request, which becomes this one.

        Raises:
            ToolError: no response came; the message says why.
        """
        return await self._run(run, _Call(token, max_bytes, self._prepared(request)))

    def _prepared(self, request: ApiRequest) -> httpx2.Request:
        base = self._base_url.raw_path.rstrip(b"/")
        query = f"?{request.query}" if request.query else ""
        target = base + request.path.encode("utf-8", "replace") + query.encode("ascii", "replace")
        return self.http.build_request(
            request.method.upper(),
            self._base_url.copy_with(raw_path=target),
            headers=[(name.encode("utf-8", "replace"), value) for name, value in request.headers],
            content=request.content or None,
        )

    async def _run(self, run: Callable[[], Awaitable[object]], call: _Call) -> ApiResponse:
        previous = _current_call.set(call)
        try:
            async with asyncio.timeout(self.timeout):
                await run()
        except TimeoutError:
            raise OutcomeUnknown(self._late()) from None
        except Exception as error:  # noqa: BLE001  # any failure of FastMCP's is explained to the model
            if call.response is None and call.failure is None:
                call.failure = error
        finally:
            _current_call.reset(previous)
        if call.response is None:
            raise self._explained(call) from None
        return call.response

    def _explained(self, call: _Call) -> ToolError:
        reason = self._not_sent(call.failure)
        return OutcomeUnknown(self._unanswered(call)) if reason is None else ToolError(reason)

    def _not_sent(self, failure: Exception | None) -> str | None:
        """Return why a request was not sent at all; None if it may have been sent."""
        match failure:
            case _OtherHost():
                return "The Imbi API redirected to another host, which is not followed."
            case GraphError():
                return "The call was not sent, because its answer has lost the conversation."
            case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
                return self._late("The call was not sent.")
            case httpx2.ConnectError():
                return "The Imbi API cannot be reached."
            case _:
                return None

    def _unanswered(self, call: _Call) -> str:
        match call.failure:
            case _TooLarge():
                return f"The Imbi API's answer is larger than {call.max_bytes // 1_000_000} MB: ask for less."
            case httpx2.TimeoutException():
                return self._late()
            case httpx2.TransportError():
                return f"The connection to the Imbi API broke off before its answer was complete. {_UNCERTAIN}"
            case failure:
                log.warning("A call of the Imbi API failed: %s", type(failure).__name__)
                return "The request could not be made, or its answer could not be read."

    def _late(self, consequence: str = _UNCERTAIN) -> str:
        return f"The Imbi API did not answer within {self.timeout:g} seconds. {consequence}"

    async def aclose(self) -> None:
        """Close all connections."""
        await self.http.aclose()


def origin_of(url: httpx2.URL) -> tuple[str, str, int | None]:
    """Return the origin of a URL; the default port of a scheme is None."""
    return url.scheme, url.host, url.port


def _open_connection(tls: ssl.SSLContext) -> httpx2.AsyncBaseTransport:
    return httpx2.AsyncHTTPTransport(verify=tls, retries=1, trust_env=False, limits=ONE_CONNECTION)


async def _read(chunks: AsyncIterator[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise _TooLarge
    return bytes(body)
