"""The limit for the size of requests' bodies."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from fastapi import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CLOSE = (b"connection", b"close")
_LINGER_SECONDS = 5.0
"""The time in which the rest of a body that is too long is read and discarded."""


class BodyLimit:
    """Middleware that answers 413 to a body that is too long, by Content-Length or by actual size.

    It does so when the application asks for the body, so what is checked before that is answered first.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; if it reads a body that is too long, the response is 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        is_declared = declared.isdigit() and int(declared) > self._max_bytes
        current_send: Send = _LingeringSend(receive, send) if is_declared else send
        received_bytes = 0

        async def counting_receive() -> Message:
            nonlocal received_bytes, current_send
            # While FastAPI reads a body, HTTPException is the only exception that it does not convert.
            if is_declared:
                raise HTTPException(413, self._detail())
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._max_bytes:
                if message.get("more_body", False):
                    current_send = _LingeringSend(receive, send)
                raise HTTPException(413, self._detail())
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
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
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
