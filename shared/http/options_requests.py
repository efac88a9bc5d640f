"""OPTIONS requests, answered by every route with its methods (RFC 9110, section 9.3.7), and CORS for other origins.

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SENT_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Last-Event-ID",
    "Prefer",
    "Traceparent",
    "Tracestate",
    "X-Request-ID",
)
_READ_HEADERS = ("Link", "Retry-After", "WWW-Authenticate", "X-Request-ID", "Content-Disposition")
_PREFLIGHT_SECONDS = 600
"""The time for which a browser keeps the answer to a preflight request."""


class OptionsRequests:
    """Middleware that answers OPTIONS without a token, because it tells nothing about anybody's data."""

    def __init__(self, app: ASGIApp, *, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an OPTIONS request; pass on any other one."""
        if scope["type"] != "http" or scope["method"] != "OPTIONS":
            await self._app(scope, receive, send)
            return
        methods = [method for method in _METHODS if self._has_route({**scope, "method": method})]
        if "GET" in methods:
            methods.append("HEAD")
        if methods:
            allowed = {"Allow": ", ".join([*methods, "OPTIONS"])}
            await Response(status_code=204, headers=allowed)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _has_route(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._routes)


def allow_origins(app: FastAPI, origins: Sequence[str]) -> None:
    """Let scripts of pages of other origins use the service. They send tokens, never cookies."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=(*_METHODS, "HEAD"),
        allow_headers=_SENT_HEADERS,
        expose_headers=_READ_HEADERS,
        max_age=_PREFLIGHT_SECONDS,
    )
