"""Small applications under the runtime loop."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from shared.aws.runtime_loop import serve
from tests.support.runtime_api import SECONDS, RuntimeApiServer, runtime_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send
Respond = "Callable[[Scope, Receive, Send], Awaitable[None]]"


def http_only(respond: Callable[[Scope, Receive, Send], Awaitable[None]]) -> ASGIApp:
    """Make an application without a lifespan."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await respond(scope, receive, send)

    return app


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


@asynccontextmanager
async def looping(app: ASGIApp, **options: Any) -> AsyncIterator[tuple[RuntimeApiServer, asyncio.Task[int]]]:
    """Run the loop until the block ends, then stop it as the platform does."""
    async with runtime_api(options.get("concurrency", 1)) as api:
        loop = asyncio.create_task(serve(lambda: app, api.address, **options))
        try:
            yield api, loop
        finally:
            if not loop.done():
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.wait({loop}, timeout=SECONDS)
            assert loop.done()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what arrived."""
    request = await receive()
    told = [
        scope["method"],
        scope["path"],
        scope["query_string"].decode(),
        scope["client"][0],
        request["body"].decode(),
    ]
    headers = sorted(f"{name.decode()}={value.decode()}" for name, value in scope["headers"])
    await send(start(201, (b"content-type", b"text/plain"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")))
    await send(piece("|".join([*told, *headers]).encode(), more=False))
