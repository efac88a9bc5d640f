"""The bodies of requests: limited in size, and parsed as strict JSON (RFC 8259)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, cast

import orjson
from fastapi import HTTPException, Request
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pydantic import JsonValue
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


_CLOSE = {"Connection": "close"}
_LINGER_SECONDS = 5.0
"""The time in which the rest of a body that is too long is read and discarded."""


class StrictRequest(Request):
    """A request whose JSON may contain no NaN, no infinity and no lone surrogate."""

    async def json(self) -> JsonValue:
        """Parse the body.

        Raises:
            json.JSONDecodeError: the body is not valid JSON.
        """
        return cast("JsonValue", orjson.loads(await self.body()))


class StrictRoute(APIRoute):
    """A route whose handler receives a StrictRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[None, None, Response]]:
        """Return FastAPI's own handler, called with a StrictRequest."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly


class BodyLimit:
    """Middleware that answers 413 to a body that is too long, by Content-Length or by actual size."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application unless the body is too long."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        content_length = dict(scope["headers"]).get(b"content-length", b"0")
        if content_length.isdigit() and int(content_length) > self._max_bytes:
            response = JSONResponse({"detail": self._detail()}, 413, _CLOSE)
            await response(scope, receive, _LingeringSend(receive, send))
            return
        await self._call_counting(scope, receive, send)

    async def _call_counting(self, scope: Scope, receive: Receive, send: Send) -> None:
        received_bytes = 0
        current_send = send

        async def counting_receive() -> Message:
            nonlocal received_bytes, current_send
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._max_bytes:
                current_send = _LingeringSend(receive, send)
                # While FastAPI reads a body, HTTPException is the only exception that it does not convert.
                raise HTTPException(413, self._detail(), _CLOSE)
            return message

        async def forwarding_send(message: Message) -> None:
            await current_send(message)

        await self._app(scope, counting_receive, forwarding_send)

    def _detail(self) -> str:
        return f"The body is longer than {self._max_bytes} bytes"


class _LingeringSend:
    """A `send` for a client that is still sending its body and reads the response only afterwards.

    If the connection were closed with unread bytes of the body, TCP would reset it and the response would be lost
    (RFC 9112, section 9.6).
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def __call__(self, message: Message) -> None:
        is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not is_last:
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while (await self._receive()).get("more_body", False):
                    pass
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
