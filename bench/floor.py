"""The bare relay: an ASGI application that only copies bytes from the model to the client.

It uses the service's server and HTTP client, and sends as many bytes to the model as the service does. It runs in its
own process: `python -m bench.floor PORT UPSTREAM_URL`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import httpx2
import uvloop

from shared.http.server import bind, create_server, serve_until_stopped

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SIZE_HEADER = b"x-bench-request-bytes"


class Relay:
    """The relay's ASGI application."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._client = httpx2.AsyncClient(timeout=120, limits=httpx2.Limits(max_connections=1000))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the upstream's response."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        body, has_more = b"", True
        while has_more:
            message = await receive()
            body += message.get("body", b"")
            has_more = message.get("more_body", False)
        size = int(dict(scope["headers"]).get(SIZE_HEADER, b"0"))
        path = "/v1/messages" if scope["method"] == "POST" else scope["path"]
        async with self._client.stream(
            scope["method"], self._upstream + path, content=body.rjust(size) if scope["method"] == "POST" else None
        ) as response:
            headers = [(b"content-type", response.headers["content-type"].encode())]
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            async for chunk in response.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


if __name__ == "__main__":
    listening = bind("127.0.0.1", int(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_until_stopped(create_server(Relay(sys.argv[2]), log_level="warning"), listening))
