"""The lists of tools and of servers: pages, timeouts, ignored tools, and changed registrations."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.domain.errors import GraphUnavailable
from tests.support.clock import Clock
from tests.support.mcp_hosts import (
    ADA,
    Host,
    Json,
    hanging,
    names,
    scripted,
    tool,
    toolset_of,
    until_offered,
)

if TYPE_CHECKING:
    from shared.domain.models import MCPServer

pytestmark = pytest.mark.anyio


@pytest.mark.proves("external.paging")
async def test_all_pages_are_read_and_an_endless_list_is_not() -> None:
    def page(params: Json) -> Json:
        number = int(params.get("cursor") or 0)
        more = {"nextCursor": str(number + 1)} if number < 4 else {}
        return {"tools": [tool(f"t{number}")], **more}

    def circle(params: Json) -> Json:
        return {"tools": [tool(f"x{params.get('cursor')}")], "nextCursor": "again"}

    counter = iter(range(10_000))

    def forever(_params: Json) -> Json:
        number = next(counter)
        return {"tools": [tool(f"y{number}")], "nextCursor": str(number)}

    async with scripted(page) as a, scripted(circle) as b, scripted(forever) as c:
        nodes = a.node("a"), b.node("b"), c.node("c")
        async with toolset_of(*nodes, connect_timeout_seconds=10.0) as toolset:
            await toolset.ensure_loaded()
            offered = names(toolset)
    assert [name for name in offered if name.startswith("mcp_a_")] == [f"mcp_a_t{number}" for number in range(5)]
    assert [name for name in offered if name.startswith("mcp_b_")] == ["mcp_b_xNone", "mcp_b_xagain"]
    assert len([name for name in offered if name.startswith("mcp_c_")]) == 100


@pytest.mark.proves("external.timeout")
async def test_a_list_ends_with_the_servers_own_timeout() -> None:
    over = asyncio.Event()
    async with (
        scripted(before=hanging(over)) as host,
        toolset_of(host.node(timeout=0.3), connect_timeout_seconds=5.0) as toolset,
    ):
        await toolset.ensure_loaded()
        (report,) = await toolset.refresh(5.0)
        assert report.problem == "The server did not answer within 0.3 seconds."
        over.set()


@pytest.mark.proves("external.ignored")
async def test_ignored_tools_are_not_offered() -> None:
    node_tools = [tool("x"), tool("y")]
    async with scripted(node_tools) as host, toolset_of(host.node(ignored_tools=frozenset({"y"}))) as toolset:
        await toolset.ensure_loaded()
        assert names(toolset) == ["mcp_calc_x"]


@pytest.mark.proves("external.ignored")
async def test_added_changed_and_removed_servers_take_effect() -> None:
    clock = Clock()
    nodes: list[MCPServer] = []

    async def listed() -> list[MCPServer]:
        return list(nodes)

    async with scripted([tool("x")]) as host, toolset_of(listed=listed, clock=clock) as toolset:
        await toolset.ensure_loaded()
        assert names(toolset) == []
        for change, expected in (
            ([host.node("a")], ["mcp_a_x"]),
            ([host.node("a", tool_prefix="other")], ["mcp_other_x"]),
            ([], []),
        ):
            nodes[:] = change
            clock.now += 61
            await toolset.ensure_loaded()
            await until_offered(toolset, expected)


@pytest.mark.proves("external.skipped")
async def test_known_servers_stay_while_the_database_fails() -> None:
    clock = Clock()
    nodes: list[MCPServer] = []
    is_down = True

    async def listed() -> list[MCPServer]:
        if is_down:
            raise GraphUnavailable
        return nodes

    async with scripted([tool("x")]) as host, toolset_of(listed=listed, clock=clock) as toolset:
        nodes.append(host.node())
        await toolset.ensure_loaded()
        (report,) = await toolset.refresh(5.0)
        assert report.problem == "The database returned no list."
        is_down = False
        clock.now += 16
        await toolset.ensure_loaded()
        await until_offered(toolset, ["mcp_calc_x"])
        is_down = True
        reports = await toolset.refresh(5.0)
        assert [bool(report.problem) for report in reports] == [False, True]
        assert names(toolset) == ["mcp_calc_x"]


@pytest.mark.proves("external.skipped")
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"auth_type": "kerberos"}, "The server has an auth_type that the assistant does not know."),
        (
            {"auth_type": "static", "static_value_encrypted": "x"},
            "The server has a secret, and IMBI_CONFIG_ENCRYPTION_KEY is not set.",
        ),
        ({"url": "ftp://files.example.com/"}, "The server has an invalid address or sends invalid responses."),
        ({"url": "http://[bad"}, "The server has an address that the assistant must not connect to."),
        ({"url": "http://no-such-host.invalid/mcp"}, "The server cannot be reached."),
    ],
)
async def test_a_wrong_registration_is_reported(changes: Json, problem: str) -> None:
    async with scripted([tool("x")]) as host, toolset_of(host.node(**changes)) as toolset:
        await toolset.ensure_loaded()
        (report,) = await toolset.refresh(10.0)
        assert report.problem == problem


async def test_the_definitions_are_built_once(host_of_calculator: Host) -> None:
    async with toolset_of(host_of_calculator.node()) as toolset:
        await toolset.ensure_loaded()
        assert toolset.definitions(ADA.principal) is toolset.definitions(ADA.principal)
        await toolset.refresh(5.0)
        assert toolset.definitions(ADA.principal) is toolset.definitions(ADA.principal)
