"""Sessions with servers of the older protocol: how long they live, how they end, and how they are replaced."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from fastmcp import FastMCP
from starlette.responses import Response

from shared.domain.models import MCPServer
from shared.tools.mcp.connection import McpConnection
from shared.tools.mcp.credentials import NoCredential, SecretDecryptor, StaticHeader
from shared.tools.mcp.definitions import ExternalTool
from shared.tools.mcp.egress import AddressPolicy, Network
from shared.tools.mcp.errors import McpServerError
from shared.tools.mcp.health import HealthRecorder
from shared.tools.mcp.server import ServerTools
from tests.support.clock import Clock
from tests.support.mcp_hosts import Host, hosted, scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

pytestmark = pytest.mark.anyio

ADD = ExternalTool("add", {}, "Add.", {}, {})


@pytest.fixture
async def legacy() -> AsyncIterator[Host]:
    server = FastMCP[None]("calculator")

    @server.tool
    def add(a: int = 1) -> int:
        return a + 1

    async with hosted(server, "legacy") as host:
        yield host


def sessions(host: Host, method: str) -> set[str]:
    return {request.headers.get("mcp-session-id", "") for request in host.seen if request.method == method} - {""}


def connection_to(host: Host, clock: Clock) -> McpConnection:
    network = Network(AddressPolicy(allows_private=True))
    return McpConnection(host.node(), NoCredential(), network, clock=clock)


async def until_ended(host: Host, ended: set[str]) -> None:
    async with asyncio.timeout(10):
        while sessions(host, "DELETE") != ended:  # noqa: ASYNC110  # sessions end in the background
            await asyncio.sleep(0.01)


@pytest.mark.proves("external.own-session")
async def test_an_idle_session_is_ended_at_the_next_call(legacy: Host) -> None:
    clock = Clock()
    connection = connection_to(legacy, clock)
    await connection.call(ADD, {}, "ada")
    adas = sessions(legacy, "POST")
    clock.now += 500
    await connection.call(ADD, {}, "ben")
    assert not sessions(legacy, "DELETE")
    clock.now += 200
    await connection.call(ADD, {}, "ben")
    await until_ended(legacy, adas)
    await connection.aclose()
    assert sessions(legacy, "DELETE") == sessions(legacy, "POST")


@pytest.mark.proves("external.own-session")
async def test_a_session_that_cannot_be_ended_delays_nothing(legacy: Host) -> None:
    over = asyncio.Event()
    connection = connection_to(legacy, Clock())
    await connection.call(ADD, {}, "ada")

    async def hang(request: Request) -> Response | None:
        if request.method == "DELETE":
            await over.wait()
        return None

    legacy.before = hang
    async with asyncio.timeout(30):
        await connection.aclose()
    over.set()


@pytest.mark.proves("external.restart")
async def test_concurrent_calls_replace_a_forgotten_session_by_one_new_session(legacy: Host) -> None:
    connection = connection_to(legacy, Clock())
    await connection.call(ADD, {}, "ada")
    await legacy.restart()
    outputs = await asyncio.gather(*(connection.call(ADD, {"a": number}, "ada") for number in range(6)))
    assert [output.content for output in outputs] == [str(number + 1) for number in range(6)]
    legacy.seen.clear()
    await connection.call(ADD, {}, "ada")
    posts = [request for request in legacy.seen if request.method == "POST"]
    assert len(posts) == 1, "the new session is used again"
    await connection.aclose()


@pytest.mark.proves("external.secrets")
async def test_a_secret_that_is_not_a_valid_header_is_not_sent() -> None:
    key = Fernet.generate_key()
    encrypted = Fernet(key).encrypt(b"two\nlines").decode()
    server = MCPServer(slug="s", name="S", url="", tool_prefix="s", static_value_encrypted=encrypted)
    with pytest.raises(McpServerError, match="has a static value that cannot be sent as a header"):
        await StaticHeader(server, SecretDecryptor([key.decode()])).headers()


@pytest.mark.proves("external.skipped")
async def test_an_unexpected_error_is_logged_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    async def connect(_server: MCPServer) -> Any:
        raise LookupError("a secret detail")

    clock = Clock()
    server = ServerTools(
        MCPServer(slug="s", name="S", url="", tool_prefix="s"), connect, clock, HealthRecorder(None, clock)
    )
    listing = server.start_listing()
    assert listing is not None
    assert server.wait_seconds(2.0, 0.5) == 2.0
    clock.now += 2
    assert server.wait_seconds(2.0, 0.5) == 0.0, "a turn waits for a slow server once"
    with caplog.at_level(logging.INFO):
        await listing
    assert server.wait_seconds(2.0, 0.5) < 0.5, "a turn waits less after a failure"
    assert server.report().problem == "The server sent a response that cannot be read."
    assert "LookupError" in caplog.text
    assert "a secret detail" not in caplog.text
    await server.aclose()


@pytest.mark.proves("external.failures")
async def test_a_broken_connection_is_described() -> None:
    async def cut(_request: Request) -> Response:
        return Response(b"{", headers={"Content-Length": "1000"}, media_type="application/json")

    async with scripted(before=cut) as host:
        connection = connection_to(host, Clock())
        with pytest.raises(McpServerError, match="closed the connection before its response was complete"):
            await connection.list_tools()
        await connection.aclose()
