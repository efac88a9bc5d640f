"""Sessions with servers of the older protocol: one for each caller, ended afterwards."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.mcp_hosts import (
    ADA,
    BEN,
    calculator,
    called,
    hosted,
    loaded,
    toolset_of,
)

pytestmark = pytest.mark.anyio


@pytest.mark.proves("external.own-session")
async def test_each_caller_has_a_session_that_is_ended() -> None:
    async with hosted(calculator(), "legacy") as host:
        async with toolset_of(host.node()) as toolset:
            await loaded(toolset)
            assert (await called(toolset, "mcp_calc_remember", ADA, word="apple")).content == "before: None"
            assert (await called(toolset, "mcp_calc_remember", BEN, word="pear")).content == "before: None"
            assert (await called(toolset, "mcp_calc_remember", ADA, word="plum")).content == "before: apple"
        begun = {request.headers["mcp-session-id"] for request in host.seen if "mcp-session-id" in request.headers}
        ended = {request.headers["mcp-session-id"] for request in host.seen if request.method == "DELETE"}
        assert len(begun) == 3
        assert begun == ended


@pytest.mark.proves("external.own-session")
async def test_concurrent_first_calls_leave_no_session_open() -> None:
    async with hosted(calculator(), "legacy") as host:
        async with toolset_of(host.node()) as toolset:
            await loaded(toolset)
            calls = [called(toolset, "mcp_calc_add", a=number, b=0) for number in range(5)]
            assert [output.content for output in await asyncio.gather(*calls)] == ["0", "1", "2", "3", "4"]
        begun = {request.headers["mcp-session-id"] for request in host.seen if "mcp-session-id" in request.headers}
        ended = {request.headers["mcp-session-id"] for request in host.seen if request.method == "DELETE"}
        assert begun == ended
