"""Requests' bodies: not too long, and JSON as RFC 8259 has it."""

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


_CLOSING = {"Connection": "close"}
_LINGERING_SECONDS = 5.0
"""How long the rest of a body that is too long is read and thrown away."""


class StrictRequest(Request):
    """A request whose JSON holds no NaN, no infinity and no half of a surrogate pair."""

    async def json(self) -> JsonValue:
        """Parse the body.

        Raises:
            json.JSONDecodeError: it is no JSON.
        """
        return cast("JsonValue", orjson.loads(await self.body()))


class StrictRoute(APIRoute):
    """A route that reads its body strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[None, None, Response]]:
        """Hand a strict request to FastAPI's own handler."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly


class BodyLimit:
    """Middleware that answers 413 to a body that is too long, told or sent."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is short enough."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > self._most_bytes:
            response = JSONResponse({"detail": self._reason()}, 413, _CLOSING)
            await response(scope, receive, _Lingering(receive, send))
            return
        length = 0
        sending = send

        async def counted() -> Message:
            nonlocal length, sending
            message = await receive()
            length += len(message.get("body", b""))
            if length > self._most_bytes:
                sending = _Lingering(receive, send)
                # Of all exceptions FastAPI lets only this kind through while it reads a body.
                raise HTTPException(413, self._reason(), _CLOSING)
            return message

        async def sent(message: Message) -> None:
            await sending(message)

        await self._app(scope, counted, sent)

    def _reason(self) -> str:
        return f"The body is longer than {self._most_bytes} bytes"


class _Lingering:
    """A way to answer a client that is still sending, who reads the answer only when it is through.

    A connection that is closed with bytes of the body unread is reset, and the answer lost with it.
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
            async with asyncio.timeout(_LINGERING_SECONDS):
                while (await self._receive()).get("more_body", False):
                    pass
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
