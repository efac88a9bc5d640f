"""The request id that all log lines of a request carry, and its trace context."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.observability import logs, trace_context

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_HEADER = b"x-request-id"
_VALID_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestContext:
    """Middleware that sets the request id of the log lines: Lambda's, or that of `X-Request-ID`, or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset the log context, set the id, and call the application."""
        if scope["type"] == "http":
            logs.unbind()
            logs.bind(request_id=_request_id(scope))
            trace_context.bind(trace_context.received(_values(scope, b"traceparent"), _values(scope, b"tracestate")))
        await self._app(scope, receive, send)


def _request_id(scope: Scope) -> str:
    context = scope.get("aws.context")
    if context is not None:
        return str(context.aws_request_id)
    header: bytes = next((value for name, value in scope["headers"] if name == _HEADER), b"")
    return header.decode() if _VALID_ID.fullmatch(header) else uuid4().hex


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
