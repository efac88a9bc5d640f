"""Requests that came through the service's one origin: a proxy or a CDN in front adds a secret header to each.

AWS describes this way for CloudFront, whose origins are public:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = "x-origin-verify"
_RAW_HEADER = HEADER.encode()
_DETAIL = "Requests must come through the public address of the service"
_EXEMPT = "/livez"
"""The route that only says that the process lives; health checks go to the process itself."""


class OriginCheck:
    """Middleware that answers 403 to requests without one of the secrets, and hides the header from all others."""

    def __init__(self, app: ASGIApp, *, secrets: Sequence[str], prefix: str) -> None:
        self._app = app
        self._secrets = [secret.encode() for secret in secrets]
        self._exempt = {_EXEMPT, f"{prefix}{_EXEMPT}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it has a secret."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == _RAW_HEADER]
        if scope["path"] not in self._exempt and not self._has_secret(given):
            await JSONResponse({"detail": _DETAIL}, 403)(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name != _RAW_HEADER]
        await self._app({**scope, "headers": headers}, receive, send)

    def _has_secret(self, given: Sequence[bytes]) -> bool:
        # All comparisons are made, so that the time tells nothing about the secrets.
        matches = [compare_digest(value, secret) for value in given for secret in self._secrets]
        return True in matches
