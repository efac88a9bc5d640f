"""External servers over TLS: certificates are verified unless the registration says otherwise."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import uvicorn
from fastmcp import FastMCP

from shared.domain.models import MCPServer
from shared.http.server import GracefulServer, bind
from tests.support.mcp_hosts import names, toolset_of
from tests.support.tls import localhost_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[MCPServer]:
    server = FastMCP[None]("calculator")

    @server.tool
    def add(a: int, b: int) -> int:
        return a + b

    app = server.http_app("/mcp", stateless_http=True)
    certificate, key = localhost_certificate(folder)
    config = uvicorn.Config(app, ssl_certfile=certificate, ssl_keyfile=str(key), log_config=None, lifespan="off")
    running = GracefulServer(config)
    listening = bind("127.0.0.1", 0)
    async with app.router.lifespan_context(app):
        serving = asyncio.create_task(running.serve([listening]))
        port = listening.getsockname()[1]
        yield MCPServer(slug="s", name="S", url=f"https://localhost:{port}/mcp", tool_prefix="s", timeout=10)
        running.stop(at_once=True)
        await serving


@pytest.mark.proves("external.skipped")
async def test_a_self_signed_certificate_is_refused_unless_verification_is_off(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        async with toolset_of(server) as toolset:
            (report,) = await toolset.refresh(10.0)
            assert report.problem == "The server cannot be reached."
        lenient = replace(server, verify_ssl=False)
        async with toolset_of(lenient) as toolset:
            await toolset.ensure_loaded()
            assert names(toolset) == ["mcp_s_add"]
