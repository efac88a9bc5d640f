"""Each request's log lines under one id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.observability import logs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_HEADER = b"x-request-id"
_ACCEPTABLE = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Correlated:
    """Middleware that binds a request's id to its log lines: Lambda's, a proxy's `X-Request-ID`, or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bind and go on."""
        if scope["type"] == "http":
            logs.unbind()
            logs.bind(request_id=_id_of(scope))
        await self._app(scope, receive, send)


def _id_of(scope: Scope) -> str:
    context = scope.get("aws.context")
    if context is not None:
        return str(context.aws_request_id)
    given: bytes = next((value for name, value in scope["headers"] if name == _HEADER), b"")
    return given.decode() if _ACCEPTABLE.fullmatch(given) else uuid4().hex
