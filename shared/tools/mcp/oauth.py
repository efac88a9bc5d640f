"""OAuth client credentials (RFC 6749, section 4.4): a token is cached, renewed before it expires, and after a 401."""

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

from shared.tools.mcp.errors import ServerProblem, problem_of
from shared.tools.openapi.client import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.models import JsonObject, MCPServer
    from shared.tools.mcp.egress import Network

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 10.0
_LIFETIME_SECONDS = 3600.0
"""For a token that does not say how long it lives; a 401 tells when it was less."""
_MARGIN_SECONDS = 60.0
_MOST_REDIRECTS = 3
_LARGEST_ANSWER = 100_000
_OK = 200
_CLIENT_ERRORS = range(400, 500)
_CODE = re.compile(r"[a-z_]{1,40}")
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    renew_at: float
    expires_at: float


class ClientCredentials:
    """The access token of one server; all callers share it, and whoever asks first renews it for the others."""

    def __init__(
        self,
        server: MCPServer,
        decrypt: Callable[[str], str],
        network: Network,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare without asking; the clock counts on while the process is frozen, as a monotonic one does not."""
        self._server = server
        self._decrypt = decrypt
        self._network = network
        self._clock = clock
        self._token: _Token | None = None
        self._renewing = asyncio.Lock()
        self._sends_header = True

    async def headers(self) -> dict[str, str]:
        """Give the header with a token that is still good for a while."""
        token = self._token
        if token is None or self._clock() >= token.renew_at:
            async with self._renewing:
                token = await self._current()
        return _bearer(token)

    async def renewed(self, rejected: dict[str, str]) -> dict[str, str] | None:
        """Give the header with another token than the rejected one."""
        async with self._renewing:
            if self._token is None or _bearer(self._token) == rejected:
                self._token = await self._requested()
            return _bearer(self._token)

    async def _current(self) -> _Token:
        """Renew the token, unless that has been done while waiting; one that is still good outlives a failure."""
        token = self._token
        if token is not None and self._clock() < token.renew_at:
            return token
        try:
            self._token = token = await self._requested()
        except ServerProblem as problem:
            if token is None or self._clock() >= token.expires_at:
                raise
            log.warning("the access token for %s could not be renewed yet: %s", self._server.slug, problem)
        return token

    async def _requested(self) -> _Token:
        """Ask for a token: with the secret in a header, as every server must take it, then in the form, as some do."""
        began = self._clock()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                response = await self._asked()
                if response.status_code in _CLIENT_ERRORS:
                    self._sends_header = not self._sends_header
                    response = await self._asked()
        except TimeoutError:
            raise ServerProblem("gets no access token: the token endpoint does not answer") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServerProblem(f"gets no access token: the token endpoint {problem_of(error)}") from None
        return _read(response, began)

    async def _asked(self) -> httpx2.Response:
        server = self._server
        form = {"grant_type": "client_credentials"} | ({"scope": server.oauth_scope} if server.oauth_scope else {})
        secret = self._decrypt(server.oauth_client_secret_encrypted)
        headers = {"Accept": "application/json"}
        if self._sends_header:
            pair = f"{quote_plus(server.oauth_client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": server.oauth_client_id, "client_secret": secret}
        transport = self._network.transport(verify=server.verify_ssl)
        async with httpx2.AsyncClient(transport=transport, timeout=_PATIENCE_SECONDS, trust_env=False) as client:
            request = client.build_request("POST", server.oauth_token_url, data=form, headers=headers)
            response = await _sent(client, request)
            for _ in range(_MOST_REDIRECTS):
                further = response.next_request
                if further is None or further.method != "POST" or origin_of(further.url) != origin_of(request.url):
                    break
                response = await _sent(client, further)
            return response


def _bearer(token: _Token) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.value}"}


async def _sent(client: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    """Send a request; of a body that no token endpoint has, no more than the beginning is read."""
    response = await client.send(request, stream=True)
    body = b""
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _LARGEST_ANSWER:
                break
    finally:
        await response.aclose()
    read = httpx2.Response(response.status_code, content=body, request=request)
    read.next_request = response.next_request
    return read


def _read(response: httpx2.Response, began: float) -> _Token:
    content = _object(response.content)
    if response.status_code != _OK:
        code = content.get("error")
        reason = f" ({code})" if isinstance(code, str) and _CODE.fullmatch(code) else ""
        raise ServerProblem(f"gets no access token: the token endpoint answered HTTP {response.status_code}{reason}")
    value, kind = content.get("access_token"), content.get("token_type", "bearer")
    is_usable = isinstance(kind, str) and kind.lower() == "bearer"
    if not isinstance(value, str) or not _TOKEN.fullmatch(value) or not is_usable:
        raise ServerProblem("gets no access token: the token endpoint gave none that can be used")
    lifetime = _seconds(content)
    margin = min(_MARGIN_SECONDS, lifetime / 4)
    return _Token(value, began + lifetime - margin, began + lifetime)


def _object(body: bytes) -> JsonObject:
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
    return lifetime if 0 < lifetime < float("inf") else _LIFETIME_SECONDS
