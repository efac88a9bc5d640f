"""Warm listings and calls open no connection to a server or to its token endpoint."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from starlette.responses import Response

from shared.domain.errors import ToolError
from shared.domain.ports import ToolOutput
from tests.support.clock import Clock
from tests.support.guarded_mcp import Guarded
from tests.support.mcp_hosts import ADA, calculator, hosted, scripted, tool, toolset_of

if TYPE_CHECKING:
    from shared.domain.models import MCPServer
    from tests.support.mcp_hosts import Era, Host, Json

SUM = {"a": 1, "b": 2}


def connections(host: Host) -> int:
    """Count the connections over which requests came."""
    return len({request.client for request in host.seen})


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_warm_calls_share_the_connections_of_the_first(era: Era) -> None:
    async with hosted(calculator(), era) as host, toolset_of(host.node()) as toolset:
        await toolset.ensure_loaded()
        await toolset.call("mcp_calc_add", dict(SUM), ADA)
        before, requests = connections(host), len(host.seen)
        for _ in range(5):
            assert (await toolset.call("mcp_calc_add", dict(SUM), ADA)).is_error is False
        await toolset.refresh(10)
        assert len(host.seen) >= requests + 6
        assert connections(host) == before


async def test_failed_calls_cost_no_connection() -> None:
    status = 200

    def answer(_params: object) -> Json | Response:
        return {"content": []} if status == HTTPStatus.OK else Response("x" * 2000, status)

    async with scripted([tool("add")], call=answer) as host, toolset_of(host.node()) as toolset:
        await toolset.ensure_loaded()
        await toolset.call("mcp_calc_add", {}, ADA)
        before = connections(host)
        for status in (500, 404, 429, 503):
            with pytest.raises(ToolError, match=str(status)):
                await toolset.call("mcp_calc_add", {}, ADA)
        assert connections(host) == before


async def test_a_restarted_server_fails_no_listing() -> None:
    async with scripted([tool("add")]) as host, toolset_of(host.node()) as toolset:
        await toolset.ensure_loaded()
        await host.restart()
        (report,) = await toolset.refresh(10)
        assert report.problem is None


async def test_tokens_are_renewed_over_a_kept_connection() -> None:
    clock = Clock()
    guarded = Guarded(clock=clock)
    async with guarded.host as host:
        credentials = guarded.credentials()
        for _ in range(4):
            await credentials.headers()
            clock.now += guarded.authorization.lifetime
        assert (guarded.token_requests, connections(host)) == (4, 1)


async def test_a_replaced_registration_closes_its_connections_after_its_calls() -> None:
    clock = Clock()
    begun, release = asyncio.Event(), asyncio.Event()

    async def wait(_params: object) -> dict[str, object]:
        begun.set()
        await release.wait()
        return {"content": [{"type": "text", "text": "late"}]}

    nodes: list[MCPServer] = []

    async def listed() -> list[MCPServer]:
        return list(nodes)

    async with scripted([tool("add")], wait) as host, toolset_of(listed=listed, clock=clock) as toolset:
        nodes.append(host.node())
        await toolset.ensure_loaded()
        calling = asyncio.ensure_future(toolset.call("mcp_calc_add", {}, ADA))
        await begun.wait()
        nodes[:] = [host.node(tool_prefix="other")]
        clock.now += 61
        await toolset.ensure_loaded()
        release.set()
        assert await calling == ToolOutput("late")
