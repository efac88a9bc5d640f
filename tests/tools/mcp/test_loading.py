"""Loading the tools of external servers: concurrent, bounded in time, cached and retried."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import Response

from shared.domain.models import MCPServer
from tests.support.clock import Clock
from tests.support.mcp_hosts import (
    ADA,
    hanging,
    names,
    scripted,
    tool,
    toolset_of,
    until_offered,
)

if TYPE_CHECKING:
    from starlette.requests import Request

pytestmark = pytest.mark.anyio


NOWHERE = MCPServer(slug="dead", name="Dead", url="http://127.0.0.1:9/mcp", tool_prefix="dead")


@pytest.mark.proves("external.skipped", "external.first-word")
async def test_a_bad_server_neither_delays_nor_breaks_the_others(caplog: pytest.LogCaptureFixture) -> None:
    over = asyncio.Event()
    async with (
        scripted([tool("x")]) as good,
        scripted(before=hanging(over)) as slow,
        scripted(lambda _params: Response("<html>", media_type="text/html")) as lying,
    ):
        nodes = good.node("good"), slow.node("slow", timeout=60.0), lying.node("lying"), NOWHERE
        async with toolset_of(*nodes, connect_timeout_seconds=1.0) as toolset:
            async with asyncio.timeout(30):
                await toolset.ensure_loaded()
                assert names(toolset) == ["mcp_good_x"]
                await toolset.ensure_loaded()
            over.set()
            slow.before = None
            assert (await toolset.call("mcp_good_x", {}, ADA)).content == "Done; the tool returned no content."
    assert "the tools of dead cannot be listed: it cannot be reached" in caplog.text
    assert "the tools of lying cannot be listed: it sent a response that violates the protocol" in caplog.text
    assert "127.0.0.1" not in "".join(record.getMessage() for record in caplog.records if record.name[:6] == "shared")


@pytest.mark.proves("external.first-word")
async def test_tools_that_arrive_late_are_offered_in_a_later_round() -> None:
    over = asyncio.Event()
    async with (
        scripted([tool("x")], before=hanging(over)) as host,
        toolset_of(host.node(), connect_timeout_seconds=0.1) as toolset,
    ):
        await toolset.ensure_loaded()
        assert names(toolset) == []
        over.set()
        await until_offered(toolset, ["mcp_calc_x"])


@pytest.mark.proves("external.first-word")
async def test_servers_are_connected_to_concurrently() -> None:
    arrived: set[str] = set()
    everybody = asyncio.Event()

    def meeting(name: str) -> Any:
        async def meet(_request: Request) -> None:
            arrived.add(name)
            if len(arrived) == 3:
                everybody.set()
            await everybody.wait()

        return meet

    async with (
        scripted([tool("x")], before=meeting("a")) as a,
        scripted([tool("x")], before=meeting("b")) as b,
        scripted([tool("x")], before=meeting("c")) as c,
        toolset_of(a.node("a"), b.node("b"), c.node("c"), connect_timeout_seconds=5.0) as toolset,
    ):
        await toolset.ensure_loaded()
        assert names(toolset) == ["mcp_a_x", "mcp_b_x", "mcp_c_x"]


@pytest.mark.proves("external.comes-back")
async def test_a_server_that_failed_is_tried_again_after_a_pause() -> None:
    clock = Clock()
    async with scripted([tool("x")]) as host, toolset_of(host.node(), clock=clock) as toolset:
        await host.stop()
        await toolset.ensure_loaded()
        assert names(toolset) == []
        await host.start()
        await toolset.ensure_loaded()
        assert names(toolset) == [], "it is left alone for a while"
        clock.now += 16
        await toolset.ensure_loaded()
        assert names(toolset) == ["mcp_calc_x"]


@pytest.mark.proves("external.comes-back")
async def test_the_pause_doubles_while_a_server_keeps_failing() -> None:
    clock = Clock()

    async def refuse(_request: Request) -> Response:
        return Response("no", 503)

    async with scripted(before=refuse) as host, toolset_of(host.node(), clock=clock) as toolset:
        for pause, expected in ((0, 1), (14, 1), (2, 2), (16, 2), (15, 3), (45, 3), (16, 4)):
            clock.now += pause
            await toolset.ensure_loaded()
            assert len(host.seen) == expected


@pytest.mark.proves("external.kept")
async def test_a_list_is_cached_renewed_in_the_background_and_dropped_when_old() -> None:
    clock = Clock()
    listed = [tool("x")]
    async with scripted(lambda _params: {"tools": listed}) as host, toolset_of(host.node(), clock=clock) as toolset:
        for _ in range(3):
            await toolset.ensure_loaded()
        assert len(host.seen) == 2, "a question and a list"
        listed.append(tool("y"))
        clock.now += 181
        await toolset.ensure_loaded()
        await until_offered(toolset, ["mcp_calc_x", "mcp_calc_y"])
        await host.stop()
        clock.now += 290
        await toolset.ensure_loaded()
        assert names(toolset) == ["mcp_calc_x", "mcp_calc_y"], "what it had stays for some minutes"
        clock.now += 11
        assert names(toolset) == []
        await host.start()
        clock.now += 300
        await toolset.ensure_loaded()
        assert names(toolset) == ["mcp_calc_x", "mcp_calc_y"]


@pytest.mark.proves("external.kept")
async def test_a_listing_that_was_lost_in_a_frozen_process_is_started_again() -> None:
    clock, over = Clock(), asyncio.Event()
    host = scripted([tool("x")], before=hanging(over))
    async with host, toolset_of(host.node(timeout=30.0), clock=clock, connect_timeout_seconds=0.1) as toolset:
        await toolset.ensure_loaded()
        host.before = None
        clock.now += 3600
        await toolset.ensure_loaded()
        await until_offered(toolset, ["mcp_calc_x"])
        over.set()


@pytest.mark.proves("external.kept")
async def test_a_clock_that_was_set_back_causes_a_new_listing() -> None:
    clock = Clock()
    async with scripted([tool("x")]) as host, toolset_of(host.node(), clock=clock) as toolset:
        await toolset.ensure_loaded()
        clock.now -= 10_000
        await toolset.ensure_loaded()
        await until_offered(toolset, ["mcp_calc_x"])
