"""The request id of a request, on its log lines and on its response, and one log line for each request."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.http.error_responses import unexpected
from shared.observability import logs, spans, trace_context

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from shared.observability.spans import Observer

log = logging.getLogger(__name__)

_HEADER = b"x-request-id"
_VALID_ID = re.compile(rb"[A-Za-z0-9!#$%&()*+,./:;=?@^_|~-]{1,256}")
"""Ids of the usual forms: hexadecimal numbers, UUIDs, and a load balancer's `Root=1-…;Parent=…;Sampled=1`."""
_SHOWN_BYTES = 64
"""The number of bytes of a refused id that the log shows."""


class RequestContext:
    """Middleware around all others: it gives each request an id, a response in any case, and a log line at its end.

    The id is that of the request's `X-Request-ID` if it is valid, or that of Lambda's invocation, or a new one.
    """

    def __init__(self, app: ASGIApp, observer: Observer | None = None) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the log context, call the application, and log the request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        logs.unbind()
        request_id = _bind_ids(scope)
        trace_context.bind(trace_context.received(_values(scope, b"traceparent"), _values(scope, b"tracestate")))
        if self._observer is not None:
            spans.bind(self._observer)
            logs.bind(trace_id=trace_context.current().trace_id)
        response = _Response(request_id, send)
        try:
            await self._app(scope, receive, response.send)
        except Exception:
            if response.status is None:
                await unexpected()(scope, receive, response.send)
            raise
        finally:
            response.log(scope)


class _Response:
    """The response to one request: it has the request's id, and its status is known for the log line."""

    def __init__(self, request_id: str, send: Send) -> None:
        self.status: int | None = None
        self._header = (_HEADER, request_id.encode())
        self._send = send
        self._began = time.perf_counter()

    async def send(self, message: Message) -> None:
        """Add the id to the headers, and pass the message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), self._header]}
        await self._send(message)

    def log(self, scope: Scope) -> None:
        """Write the request's line. The route is its template, because a path may contain what a user wrote."""
        route = getattr(scope.get("route"), "path", None) or "unknown"
        duration_ms = round((time.perf_counter() - self._began) * 1000)
        fields = {"method": scope.get("method"), "route": route, "status": self.status, "duration_ms": duration_ms}
        log.info("request: method=%s route=%s status=%s duration=%dms", *fields.values(), extra=fields)


def _bind_ids(scope: Scope) -> str:
    """Bind the ids of a request to its log lines; return the request id."""
    given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
    context = scope.get("aws.context")
    own = uuid4().hex if context is None else str(context.aws_request_id)
    is_valid = _VALID_ID.fullmatch(given) is not None
    request_id = given.decode() if is_valid else own
    logs.bind(request_id=request_id)
    if context is not None:
        logs.bind(function_request_id=own)
    if given and not is_valid:
        shown = given[:_SHOWN_BYTES].decode("ascii", "backslashreplace")
        log.info("the X-Request-ID of the request is not used, because it is too long or odd: %r", shown)
    return request_id


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
