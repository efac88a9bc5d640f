"""The protocol's public reference server, which is written in JavaScript and speaks the older protocol."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from asyncio.subprocess import DEVNULL
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.messages_api.tools import tool_problems
from local.node import Node, find_node
from shared.domain.models import MCPServer
from tests.support.mcp_hosts import ADA, BEN, names, toolset_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.domain.models import JsonObject
    from shared.domain.ports import ToolOutput
    from shared.tools.mcp.toolset import ExternalToolset

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]

PACKAGE = Path(__file__).parents[2] / "mcp_everything"
SERVER = PACKAGE / "node_modules" / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
INSTALL_SECONDS = 300
START_SECONDS = 30


@pytest.fixture(scope="module")
def node() -> Node:
    """Return Node.js with the server installed; skip if npm cannot install it."""
    found = find_node()
    if found is None:
        pytest.skip("there is no Node.js: python -m local.node installs it")
    installed = PACKAGE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (PACKAGE / "package-lock.json").stat().st_mtime:
        command = [*found.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        ended = subprocess.run(command, cwd=PACKAGE, capture_output=True, timeout=INSTALL_SECONDS, check=False)  # noqa: S603  # npm with our own arguments
        if ended.returncode != 0:
            pytest.skip("npm could not install the server: can the package registry be reached?")
    return found


@asynccontextmanager
async def everything(node: Node, port: int) -> AsyncIterator[MCPServer]:
    process = await asyncio.create_subprocess_exec(
        node.executable, str(SERVER), "streamableHttp", env={"PORT": str(port)}, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        await listening(port)
        yield MCPServer(slug="everything", name="E", url=f"http://127.0.0.1:{port}/mcp", tool_prefix="any")
    finally:
        process.kill()
        await process.wait()


async def listening(port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
        return number


async def called(toolset: ExternalToolset, name: str, **arguments: str | float) -> ToolOutput:
    given: JsonObject = {**arguments}
    return await toolset.call(f"mcp_any_{name}", given, ADA)


@pytest.mark.proves("external.eras", "external.results", "external.restart")
async def test_the_reference_server_can_be_used(node: Node, port: int) -> None:
    async with everything(node, port) as server, toolset_of(server, connect_timeout_seconds=30.0) as toolset:
        await toolset.ensure_loaded()
        definitions = toolset.definitions(ADA.principal)
        tools = [
            {"name": each.name, "description": each.description, "input_schema": each.input_schema}
            for each in definitions
        ]
        assert not [*tool_problems({"tools": tools})]
        assert {"mcp_any_echo", "mcp_any_get-sum", "mcp_any_get-tiny-image"} < set(names(toolset))
        assert (await called(toolset, "echo", message="höß\n…")).content == "Echo: höß\n…"
        assert (await called(toolset, "get-sum", a=2, b=3)).content == "The sum of 2 and 3 is 5."
        assert '"temperature":' in str((await called(toolset, "get-structured-content", location="Chicago")).content)
        assert "demo://resource/dynamic" in str((await called(toolset, "get-resource-links", count=2)).content)
        image = (await called(toolset, "get-tiny-image")).content
        assert [block["type"] for block in image if isinstance(block, dict)][:2] == ["text", "image"]
        long = await called(toolset, "trigger-long-running-operation", duration=0.2, steps=2)
        assert str(long.content).startswith("Long running operation completed")
        refused = await called(toolset, "get-sum", a="two", b=3)
        assert refused.is_error
        await toolset.call("mcp_any_echo", {"message": "hi"}, BEN)


@pytest.mark.proves("external.restart")
async def test_the_reference_server_may_restart_between_two_calls(node: Node, port: int) -> None:
    server = MCPServer(slug="any", name="E", url=f"http://127.0.0.1:{port}/mcp", tool_prefix="any")
    async with toolset_of(server, connect_timeout_seconds=30.0) as toolset:
        async with everything(node, port):
            await toolset.ensure_loaded()
            assert (await called(toolset, "echo", message="one")).content == "Echo: one"
        async with everything(node, port):
            assert (await called(toolset, "echo", message="two")).content == "Echo: two"
