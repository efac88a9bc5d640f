"""The one address in front of all functions: it invokes the function of a route, and passes its response on."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request

from local.lambdas.environments import Throttled
from local.lambdas.http_events import Head, body_of, event_of, head_of
from local.lambdas.invocation import PRELUDE_END, FunctionFailed
from local.lambdas.runtime_api import MAX_BUFFERED_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from starlette.types import Receive, Scope, Send

    from local.lambdas.environments import Environments
    from local.lambdas.functions import Function
    from local.lambdas.http_events import Payload
    from local.lambdas.invocation import Invocation

log = logging.getLogger(__name__)

_MAX_REQUEST_BYTES = MAX_BUFFERED_BYTES
_NOT_FOUND = Head(404, [(b"content-type", b"application/json")]), b'{"message":"Not Found"}'
_TOO_LARGE = Head(413, [(b"content-type", b"application/json")]), b'{"message":"Request Entity Too Large"}'
_THROTTLED = Head(429, [(b"content-type", b"application/json")]), b'{"message":"Rate Exceeded."}'
_FAILED = Head(502, [(b"content-type", b"application/json")]), b'{"message":"Internal Server Error"}'


class Front:
    """An ASGI application that does what Function URLs behind one origin do, or a REST API."""

    def __init__(
        self, functions: Sequence[Function], environments: Environments, prefix: str, payload: Payload
    ) -> None:
        """Take the path prefix of all routes; a function without a token also answers without it."""
        self._functions = functions
        self._environments = environments
        self._prefix = prefix
        self._payload: Payload = payload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        request = Request(scope, receive)
        function = self._function(request.method, str(scope["path"]))
        if function is None:
            await _send_whole(send, *_NOT_FOUND)
            return
        body = await _read(request)
        if body is None:
            await _send_whole(send, *_TOO_LARGE)
            return
        try:
            event = orjson.dumps(event_of(request, body, self._payload))
            invocation = await self._environments.invoke(function, event)
        except Throttled:
            await _send_whole(send, *_THROTTLED)
            return
        await _pass_on(invocation, function, send)

    def _function(self, method: str, path: str) -> Function | None:
        inner = path.removeprefix(self._prefix) if path.startswith(f"{self._prefix}/") else None
        for each in self._functions:
            if (inner is not None and each.serves(method, inner)) or (each.is_bare and each.serves(method, path)):
                return each
        return None


async def _read(request: Request) -> bytes | None:
    """Return the body of a request; None if it is longer than an event may be."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_REQUEST_BYTES:
            return None
    return bytes(body)


async def _pass_on(invocation: Invocation, function: Function, send: Send) -> None:
    has_begun = False
    try:
        async with aclosing(_response(invocation)) as response:
            async for part in response:
                if isinstance(part, Head):
                    has_begun = True
                    await send({"type": "http.response.start", "status": part.status, "headers": part.headers})
                else:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
    except (FunctionFailed, ValueError, LookupError) as error:
        log.warning("%s failed: %s", function.name, error)
        if not has_begun:
            await _send_whole(send, *_FAILED)
        # Otherwise the response stays incomplete, and the server closes the connection.
        return
    await send({"type": "http.response.body", "body": b""})


async def _response(invocation: Invocation) -> AsyncGenerator[Head | bytes, None]:
    """Yield the head of a response, and then pieces of its body.

    Raises:
        FunctionFailed: the function failed before the end of the response.
        ValueError, LookupError: the response is not in the form that Lambda expects.
    """
    start = b""
    has_head = False
    async with aclosing(invocation.pieces()) as pieces:
        async for piece in pieces:
            if has_head:
                yield piece
                continue
            start += piece
            if invocation.is_streamed and PRELUDE_END in start:
                prelude, _, rest = start.partition(PRELUDE_END)
                has_head = True
                yield head_of(orjson.loads(prelude))
                if rest:
                    yield rest
    if not has_head:
        result = _proxy_result(orjson.loads(start))
        yield head_of(result)
        yield body_of(result)


def _proxy_result(value: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever a function returns
    """Return a function's result as a response. What has no status is the body of one, as for Function URLs."""
    if isinstance(value, dict) and "statusCode" in value:
        return value
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": orjson.dumps(value).decode()}


async def _send_whole(send: Send, head: Head, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": head.status, "headers": [*head.headers, length]})
    await send({"type": "http.response.body", "body": body})
