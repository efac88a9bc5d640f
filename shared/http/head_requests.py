"""HEAD requests, answered by every route that answers GET (RFC 9110, section 9.3.2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """Middleware that handles HEAD as GET, and ends the response after its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; one with the method HEAD as GET."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        has_begun = asyncio.Event()

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                has_begun.set()

        async def receive_body() -> Message:
            """Receive the body; after the headers, the client of a stream counts as disconnected."""
            return {"type": "http.disconnect"} if has_begun.is_set() else await receive()

        # The server still sees its own scope with HEAD.
        await self._app({**scope, "method": "GET"}, receive_body, send_headers)
