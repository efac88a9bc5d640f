"""OAuth 2.0 client credentials (RFC 6749, section 4.4).

The access token is cached. It is renewed before it expires and after a 401 response.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import httpx2
import orjson

from shared.tools.mcp.connections import ServerConnections
from shared.tools.mcp.errors import McpServerError, from_http_error
from shared.tools.openapi.client import origin_of
from shared.util.connections import REPEATABLE
from shared.util.response_bodies import REST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.models import JsonObject, MCPServer
    from shared.tools.mcp.egress import Network

log = logging.getLogger(__name__)

_TOKEN_TIMEOUT_SECONDS = 10.0
_DEFAULT_LIFETIME_SECONDS = 3600.0
"""The lifetime of a token whose response states none. If it is shorter, a 401 response causes a renewal."""
_RENEWAL_MARGIN_SECONDS = 60.0
_MAX_REDIRECTS = 3
_MAX_RESPONSE_BYTES = 100_000
_OK = 200
_CLIENT_ERRORS = range(400, 500)
_ERROR_CODES = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "access_denied",
        "server_error",
        "temporarily_unavailable",
    }
)
"""The error codes of RFC 6749, sections 4.1.2.1 and 5.2. Other text of the endpoint is not repeated."""
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    renew_at: float
    expires_at: float


class ClientCredentials:
    """The access token of one server. All callers share it; concurrent callers share one token request."""

    def __init__(
        self,
        server: MCPServer,
        decrypt: Callable[[str], str],
        network: Network,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare without any input or output.

        `clock` returns wall-clock seconds, because a monotonic clock may stand still while the process is frozen.
        """
        self._server = server
        self._decrypt = decrypt
        self._connections = ServerConnections(network, verify=server.verify_ssl)
        self._http = httpx2.AsyncClient(
            transport=self._connections.transport, timeout=_TOKEN_TIMEOUT_SECONDS, trust_env=False
        )
        self._clock = clock
        self._token: _Token | None = None
        self._lock = asyncio.Lock()
        self._sends_secret_in_header = True

    async def headers(self) -> dict[str, str]:
        """Return the header with a valid token; request a token if there is none or it expires soon."""
        token = self._token
        if token is None or self._clock() >= token.renew_at:
            async with self._lock:
                token = await self._valid_token()
        return _bearer(token)

    async def renew(self, rejected: dict[str, str]) -> dict[str, str] | None:
        """Return the header with another token than the rejected one."""
        async with self._lock:
            if self._token is None or _bearer(self._token) == rejected:
                self._token = await self._request_token()
            return _bearer(self._token)

    async def aclose(self) -> None:
        """Close the connections to the token endpoint."""
        await self._connections.aclose()

    async def _valid_token(self) -> _Token:
        """Renew the token if it is due. If that fails, the old token stays in use until it expires."""
        token = self._token
        if token is not None and self._clock() < token.renew_at:
            return token
        try:
            self._token = token = await self._request_token()
        except McpServerError as error:
            if token is None or self._clock() >= token.expires_at:
                raise
            log.warning(
                "the access token for %s stays in use, since renewing it failed: it %s", self._server.slug, error
            )
        return token

    async def _request_token(self) -> _Token:
        """Request a token.

        The secret goes into the Authorization header, which every server must support (RFC 6749, section 2.3.1). If
        the server refuses that, it goes into the form, which some servers require instead.
        """
        requested_at = self._clock()
        try:
            async with asyncio.timeout(_TOKEN_TIMEOUT_SECONDS):
                response = await self._post_form()
                if response.status_code in _CLIENT_ERRORS:
                    self._sends_secret_in_header = not self._sends_secret_in_header
                    response = await self._post_form()
        except TimeoutError:
            raise McpServerError(
                "gets no access token: the token endpoint does not answer", is_unreachable=True
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise McpServerError(f"gets no access token: the token endpoint {from_http_error(error)}") from None
        return _parse_token(response, requested_at)

    async def _post_form(self) -> httpx2.Response:
        server = self._server
        form = {"grant_type": "client_credentials"} | ({"scope": server.oauth_scope} if server.oauth_scope else {})
        secret = self._decrypt(server.oauth_client_secret_encrypted)
        headers = {"Accept": "application/json"}
        if self._sends_secret_in_header:
            pair = f"{quote_plus(server.oauth_client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": server.oauth_client_id, "client_secret": secret}
        # A second token does no harm.
        extensions = {REPEATABLE: True}
        request = self._http.build_request(
            "POST", server.oauth_token_url, data=form, headers=headers, extensions=extensions
        )
        response = await self._send(request)
        for _ in range(_MAX_REDIRECTS):
            further = response.next_request
            if further is None or further.method != "POST" or origin_of(further.url) != origin_of(request.url):
                break
            response = await self._send(further)
        return response

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and read at most `_MAX_RESPONSE_BYTES` of the body."""
        response = await self._http.send(request, stream=True)
        arriving = self._connections.body_of(response)
        body = b""
        try:
            async for chunk in arriving:
                body += chunk
                if len(body) > _MAX_RESPONSE_BYTES:
                    break
        finally:
            arriving.release(REST_SECONDS)
        read = httpx2.Response(response.status_code, content=body, request=request)
        read.next_request = response.next_request
        return read


def _bearer(token: _Token) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.value}"}


def _parse_token(response: httpx2.Response, requested_at: float) -> _Token:
    content = _parse_object(response.content)
    if response.status_code != _OK:
        code = content.get("error")
        reason = f" ({code})" if isinstance(code, str) and code in _ERROR_CODES else ""
        raise McpServerError(f"gets no access token: the token endpoint answered HTTP {response.status_code}{reason}")
    value, kind = content.get("access_token"), content.get("token_type", "bearer")
    is_usable = isinstance(kind, str) and kind.lower() == "bearer"
    if not isinstance(value, str) or not _TOKEN.fullmatch(value) or not is_usable:
        raise McpServerError("gets no access token: the response of the token endpoint has no usable token")
    lifetime = _seconds(content)
    margin = min(_RENEWAL_MARGIN_SECONDS, lifetime / 4)
    return _Token(value, requested_at + lifetime - margin, requested_at + lifetime)


def _parse_object(body: bytes) -> JsonObject:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


def _seconds(content: JsonObject) -> float:
    value = content.get("expires_in")
    try:
        lifetime = float(value) if isinstance(value, int | float | str) else 0.0
    except ValueError:
        lifetime = 0.0
    return lifetime if 0 < lifetime < float("inf") else _DEFAULT_LIFETIME_SECONDS
