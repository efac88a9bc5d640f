"""An OAuth authorization server for client credentials, and a guard that requires its access tokens."""

from __future__ import annotations

import secrets
import time
from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

LIFETIME_SECONDS = 300
TOKEN_PATH = "/oauth/token"  # noqa: S105  # a path

_LARGEST_FORM = 10_000


@dataclass
class Authorization:
    """An authorization server for one client; `lifetime` is that of its tokens, in seconds."""

    client_id: str
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    scope: str = "costs:read"
    lifetime: int = LIFETIME_SECONDS
    clock: Callable[[], float] = time.time
    _tokens: dict[str, float] = field(default_factory=dict, repr=False)

    def issue(self) -> str:
        """Issue an access token, and delete the expired ones."""
        now = self.clock()
        self._tokens = {token: expiry for token, expiry in self._tokens.items() if expiry > now}
        token = secrets.token_urlsafe(32)
        self._tokens[token] = now + self.lifetime
        return token

    def revoke_all(self) -> None:
        """Revoke all tokens."""
        self._tokens.clear()

    def accepts(self, header: str | None) -> bool:
        """Return whether an Authorization header has a valid token."""
        kind, _, token = (header or "").partition(" ")
        return kind.lower() == "bearer" and self._tokens.get(token, 0) > self.clock()

    async def answer(self, request: Request) -> JSONResponse:
        """Answer a request for a token (RFC 6749, sections 4.4 and 5)."""
        body = await request.body()
        form = {key: values[0] for key, values in parse_qs(body[:_LARGEST_FORM].decode("utf-8", "replace")).items()}
        if not self._is_the_client(request.headers.get("Authorization"), form):
            return JSONResponse({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        if form.get("scope", self.scope) != self.scope:
            return JSONResponse({"error": "invalid_scope"}, 400)
        token = {"access_token": self.issue(), "token_type": "Bearer", "expires_in": self.lifetime, "scope": self.scope}
        return JSONResponse(token, headers={"Cache-Control": "no-store"})

    def _is_the_client(self, header: str | None, form: dict[str, str]) -> bool:
        given = f"{form.get('client_id', '')}:{form.get('client_secret', '')}"
        if header is not None:
            try:
                decoded = b64decode(header.removeprefix("Basic "), validate=True).decode()
            except ValueError:
                return False
            given = ":".join(map(unquote_plus, decoded.split(":", maxsplit=1)))
        return secrets.compare_digest(given.encode(), f"{self.client_id}:{self.client_secret}".encode())


class Guard:
    """An ASGI application that issues tokens, and forwards only requests with a valid token to another application."""

    def __init__(self, app: ASGIApp, authorization: Authorization) -> None:
        self._app = app
        self._authorization = authorization

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        if request.method == "POST" and request.url.path == TOKEN_PATH:
            await (await self._authorization.answer(request))(scope, receive, send)
        elif self._authorization.accepts(request.headers.get("Authorization")):
            await self._app(scope, receive, send)
        else:
            denied = JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": "Bearer"})
            await denied(scope, receive, send)
