"""Runs the demo MCP servers, and describes them for the graph."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

from local.mcp_servers.authorization import TOKEN_PATH, Authorization, Guard
from shared.http.server import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    from shared.domain.models import JsonObject

MCP_PATH = "/mcp"

_IMPORTING = threading.Lock()
"""Two threads that import FastMCP at the same time may find it half imported."""
_CLIENT_ID = "imbi-assistant"


@asynccontextmanager
async def demo_mcp_servers(encryption_key: str) -> AsyncIterator[tuple[JsonObject, ...]]:
    """Run both servers, and yield the properties of their nodes in the graph."""
    authorization = Authorization(_CLIENT_ID)
    async with (
        _created_in_background(_on_call) as on_call,
        _created_in_background(_cloud_costs) as cloud_costs,
        running(on_call) as on_call_url,
        running(Guard(cloud_costs, authorization)) as costs_url,
    ):
        secret = Fernet(encryption_key).encrypt(authorization.client_secret.encode()).decode()
        yield (
            {
                **_node("on-call", "On call", "Who is on call, and incidents.", "oncall"),
                "url": f"{on_call_url}{MCP_PATH}",
                "auth_type": "none",
            },
            {
                **_node("cloud-costs", "Cloud costs", "What projects cost in the cloud.", "costs"),
                "url": f"{costs_url}{MCP_PATH}",
                "auth_type": "oauth_client_credentials",
                "oauth_token_url": f"{costs_url}{TOKEN_PATH}",
                "oauth_client_id": authorization.client_id,
                "oauth_client_secret_encrypted": secret,
                "oauth_scope": authorization.scope,
            },
        )


def _node(slug: str, name: str, description: str, prefix: str) -> JsonObject:
    return {"id": slug, "slug": slug, "name": name, "description": description, "tool_prefix": prefix}


@asynccontextmanager
async def _created_in_background(make: Callable[[], Starlette]) -> AsyncIterator[ASGIApp]:
    """Yield an application that can be served while a thread, because of slow imports, still creates the real one."""
    stop = asyncio.Event()
    made: asyncio.Future[Starlette] = asyncio.get_running_loop().create_future()

    async def live() -> None:
        app = await asyncio.to_thread(make)
        async with app.router.lifespan_context(app):
            made.set_result(app)
            await stop.wait()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (await asyncio.shield(made))(scope, receive, send)

    living = asyncio.create_task(live())
    try:
        yield serve
    finally:
        stop.set()
        await living


def _on_call() -> Starlette:
    with _IMPORTING:
        from local.mcp_servers.on_call import create_on_call_server  # noqa: PLC0415  # slow imports

    return create_on_call_server().http_app(MCP_PATH)


def _cloud_costs() -> Starlette:
    with _IMPORTING:
        from local.mcp_servers.cloud_costs import create_cloud_cost_server  # noqa: PLC0415  # slow imports

    return create_cloud_cost_server().http_app(MCP_PATH)
