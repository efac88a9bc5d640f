"""HTTP with one external server for one purpose: credentials out, bounded answers back, and what went wrong.

Each exchange has connections of its own, closed at its end. So none is left to go stale while a process is frozen, and
the address is checked every time.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2

from shared.tools.mcp.errors import LARGEST_ANSWER, AnswerTooLarge, ServerProblem, problem_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.tools.mcp.credentials import Credential, Headers

SESSION_HEADER = "mcp-session-id"

_SHORTEST_SECRET = 6
"""What is shorter may be any word of an answer."""
_ENCODED = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are about a body as it came, and not about one that has been decoded."""
_OWN = frozenset({"accept", "content-length", "content-type", "host", "last-event-id", SESSION_HEADER})
"""Headers that the protocol itself needs; no credential replaces them."""


class Exchange(httpx2.AsyncBaseTransport):
    """The transport of one exchange; `problem` and `status` say afterwards what became of it.

    What fails here is told as an answer of 502, since an exception would tear down the MCP library's task groups.
    """

    def __init__(
        self, transport: httpx2.AsyncBaseTransport, credential: Credential, session_id: str | None = None
    ) -> None:
        self.session_id = session_id
        self.problem: ServerProblem | None = None
        self.status = 0
        """Of the last answer."""
        self._transport = transport
        self._credential = credential
        self._secrets: set[str] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request with the credential, and once more with another one where the server answers 401."""
        if request.method == "GET" and "last-event-id" not in request.headers:
            # A stream for what the server has to say between calls: nobody would hear it.
            return httpx2.Response(HTTPStatus.METHOD_NOT_ALLOWED, request=request)
        try:
            if self.problem is None:
                return self._bounded(await self._authorized(request), request)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            self.problem = problem_of(error)
        except ServerProblem as problem:
            self.problem = problem
        return httpx2.Response(HTTPStatus.BAD_GATEWAY, request=request)

    def redacted(self, text: str) -> str:
        """Take the credential out of what a server says, should it repeat it."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _authorized(self, request: httpx2.Request) -> httpx2.Response:
        headers = await self._credential.headers()
        response = await self._sent(request, headers)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            renewed = await self._credential.renewed(headers)
            if renewed is not None:
                await response.aclose()
                response = await self._sent(request, renewed)
        return response

    async def _sent(self, request: httpx2.Request, credential: Headers) -> httpx2.Response:
        for name, value in credential.items():
            self._secrets |= {part for part in (value, value.rpartition(" ")[2]) if len(part) >= _SHORTEST_SECRET}
            if name.lower() not in _OWN:
                request.headers[name] = value
        if self.session_id is not None:
            request.headers[SESSION_HEADER] = self.session_id
        response = await self._transport.handle_async_request(request)
        self.status = response.status_code
        self.session_id = response.headers.get(SESSION_HEADER, self.session_id)
        return response

    def _bounded(self, response: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
        headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _ENCODED]
        return httpx2.Response(
            response.status_code, headers=headers, stream=_BoundedBody(self, response), request=request
        )


class _BoundedBody(httpx2.AsyncByteStream):
    """A decoded body that ends with an error where it is too large; it is counted while it is read."""

    def __init__(self, exchange: Exchange, response: httpx2.Response) -> None:
        self._exchange = exchange
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = LARGEST_ANSWER
        try:
            async for chunk in self._response.aiter_bytes():
                left -= len(chunk)
                if left < 0:
                    raise AnswerTooLarge
                yield chunk
        except httpx2.HTTPError as error:
            self._exchange.problem = problem_of(error)
            raise

    async def aclose(self) -> None:
        await self._response.aclose()
