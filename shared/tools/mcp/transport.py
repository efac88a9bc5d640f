"""The HTTP transport of one listing or one call: it adds the credential and limits the response.

It sends over the connections that are kept for the server, and leaves them open.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2

from shared.tools.mcp.errors import MAX_RESPONSE_BYTES, McpServerError, ResponseTooLarge, from_http_error
from shared.util.connections import REPEATABLE
from shared.util.response_bodies import REST_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic import JsonValue

    from shared.tools.mcp.connections import ServerConnections
    from shared.tools.mcp.credentials import Credential, Headers
    from shared.util.response_bodies import ResponseBody

SESSION_HEADER = "mcp-session-id"

_MIN_SECRET_CHARS = 6
"""A shorter credential is not redacted, because it could be any word of a response."""
_BODY_ENCODING_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that describe the encoded body. They do not apply after decoding."""
_PROTOCOL_HEADERS = frozenset({"accept", "content-length", "content-type", "host", "last-event-id", SESSION_HEADER})
"""Headers that the protocol needs. A credential never replaces them."""


class McpTransport(httpx2.AsyncBaseTransport):
    """The transport of one listing or call. `error` and `status` describe the outcome afterwards.

    A failure is returned as a response with status 502, because an exception would tear down the MCP library's task
    groups.
    """

    def __init__(
        self,
        connections: ServerConnections,
        credential: Credential,
        session_id: str | None = None,
        *,
        is_repeatable: bool = False,
    ) -> None:
        """Prepare without any input or output; `is_repeatable` says whether the requests may be sent twice."""
        self.session_id = session_id
        self.error: McpServerError | None = None
        self.status = 0
        """The HTTP status of the last response; 0 before the first one."""
        self._connections = connections
        self._credential = credential
        self._is_repeatable = is_repeatable
        self._secrets: set[str] = set()
        self._bytes_left = MAX_RESPONSE_BYTES

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request with the credential; after a 401 send it once more with a renewed credential."""
        if request.method == "GET" and "last-event-id" not in request.headers:
            # The library asks for a stream of messages between calls. Nothing would read it.
            return httpx2.Response(HTTPStatus.METHOD_NOT_ALLOWED, request=request)
        try:
            if self.error is None:
                return self._limit_body(await self._send_authorized(request), request)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            self.error = from_http_error(error)
        except McpServerError as error:
            self.error = error
        return httpx2.Response(HTTPStatus.BAD_GATEWAY, request=request)

    def redact(self, text: str) -> str:
        """Replace the credential in a text of the server."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    def redact_json(self, value: JsonValue) -> JsonValue:
        """Replace the credential in the strings and keys of a JSON value of the server."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self.redact_json(item) for item in value]
        if isinstance(value, dict):
            return {self.redact(key): self.redact_json(item) for key, item in value.items()}
        return value

    def count_bytes(self, number: int) -> None:
        """Count received bytes.

        Raises:
            ResponseTooLarge: all responses together exceed the limit.
        """
        self._bytes_left -= number
        if self._bytes_left < 0:
            raise ResponseTooLarge

    async def _send_authorized(self, request: httpx2.Request) -> httpx2.Response:
        headers = await self._credential.headers()
        response = await self._send(request, headers)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            renewed = await self._credential.renew(headers)
            if renewed is not None:
                self._connections.discard(response)
                response = await self._send(request, renewed)
        return response

    async def _send(self, request: httpx2.Request, credential: Headers) -> httpx2.Response:
        for name, value in credential.items():
            self._secrets |= {part for part in (value, value.rpartition(" ")[2]) if len(part) >= _MIN_SECRET_CHARS}
            if name.lower() not in _PROTOCOL_HEADERS:
                request.headers[name] = value
        if self.session_id is not None:
            request.headers[SESSION_HEADER] = self.session_id
        if self._is_repeatable:
            request.extensions = {**request.extensions, REPEATABLE: True}
        response = await self._connections.send(request)
        self.status = response.status_code
        self.session_id = response.headers.get(SESSION_HEADER, self.session_id)
        return response

    def _limit_body(self, response: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in _BODY_ENCODING_HEADERS
        ]
        return httpx2.Response(
            response.status_code,
            headers=headers,
            stream=_LimitedBody(self, self._connections.body_of(response)),
            request=request,
        )


class _LimitedBody(httpx2.AsyncByteStream):
    """A decoded body that is counted while it is read. Reading fails when there is too much."""

    def __init__(self, transport: McpTransport, body: ResponseBody) -> None:
        self._transport = transport
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._body:
                self._transport.count_bytes(len(chunk))
                yield chunk
        except httpx2.HTTPError as error:
            self._transport.error = from_http_error(error)
            raise

    async def aclose(self) -> None:
        self._body.release(REST_SECONDS)
