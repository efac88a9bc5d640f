"""Reading all tools again in the middle of a conversation, and everything at once with refreshes running."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from fastmcp import FastMCP
from starlette.responses import Response

from shared.domain.events import ToolCall, ToolsFinished
from shared.domain.models import Caller, Principal
from shared.tools.client_side import ClientSideToolset
from shared.tools.refresh import Refresher, RefreshToolset
from shared.tools.toolbox import CallerTools, Toolbox
from tests.support.clock import Clock
from tests.support.imbi_api import ADMIN, GUEST, READER, ImbiApi, fingerprint
from tests.support.mcp_hosts import hosted, scripted, tool, toolset_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from shared.domain.events import ToolResult
    from shared.domain.models import MCPServer
    from shared.domain.ports import Toolset
    from shared.tools.openapi.toolset import OpenAPIToolset
    from tests.support.mcp_hosts import Host

pytestmark = pytest.mark.anyio

REFRESH = "refresh_openapi_spec"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class World:
    """A toolbox over an Imbi API and external servers."""

    api: ImbiApi
    openapi: OpenAPIToolset
    toolbox: Toolbox
    clock: Clock


@asynccontextmanager
async def world(*nodes: MCPServer, timeout: float = 10.0) -> AsyncIterator[World]:  # noqa: ASYNC109  # the toolbox's
    api, clock = ImbiApi(), Clock()
    openapi = api.toolset(timeout=timeout, clock=clock)
    async with toolset_of(*nodes, reserved=lambda: openapi.names, clock=clock) as external:
        refresher = Refresher([openapi, external], timeout=timeout, clock=clock)
        toolsets: list[Toolset] = [ClientSideToolset(), RefreshToolset(refresher), openapi, external]
        toolbox = Toolbox(toolsets, refresher=refresher, timeout=timeout)
        await toolbox.ensure_loaded()
        yield World(api, openapi, toolbox, clock)
        await openapi.aclose()
        await refresher.aclose()


async def results(tools: CallerTools, *calls: tuple[str, Any]) -> list[ToolResult]:
    asked = [ToolCall(f"call_{number}", name, given) for number, (name, given) in enumerate(calls)]
    async for event in tools.run(asked):
        if isinstance(event, ToolsFinished):
            return list(event.results)
    raise AssertionError("the calls did not finish")


def offered(tools: CallerTools) -> set[str]:
    return {definition.name for definition in tools.definitions()}


def add_operation(api: ImbiApi, path: str) -> None:
    @api.app.get(path)
    async def added() -> str:
        return path

    added.__name__ = path.strip("/").replace("/", "_")
    api.app.openapi_schema = None


@pytest.mark.proves("refresh.tools", "refresh.same-turn")
async def test_a_refresh_tells_what_came_from_where_and_the_new_tools_can_be_called() -> None:
    listed = [tool("x")]
    async with scripted(lambda _params: {"tools": listed}) as host, world(host.node()) as here:
        tools = here.toolbox.for_caller(ADMIN)
        before = offered(tools)
        listed.append(tool("brand_new"))
        add_operation(here.api, "/api/novelties")
        (result,) = await results(tools, (REFRESH, {}))
        new = offered(tools) - before
        assert len(new) == 2
        assert "mcp_calc_brand_new" in new
        report = result.content[0]["text"] if isinstance(result.content, list) else result.content
        lines = str(report).splitlines()
        assert lines[0] == f"Imbi API: {len(here.openapi.names)} tools."
        assert lines[1] == "Calc: 2 tools."
        assert lines[2] == f"{len(here.openapi.names) + 2} of these tools are available to this user from now on."
        assert lines[3] == f"New: {', '.join(sorted(new))}."
        called = await results(tools, *((name, {}) for name in sorted(new)))
        assert not any(each.is_error for each in called)
        listed.pop()
        (result,) = await results(tools, (REFRESH, {}))
        assert "Gone: mcp_calc_brand_new." in str(result.content)
        (guests,) = await results(here.toolbox.for_caller(GUEST), (REFRESH, {}))
        assert lines[2] not in str(guests.content), "what the caller may use is counted, too"


@pytest.mark.proves("refresh.partial")
async def test_a_source_that_fails_keeps_what_it_had() -> None:
    async with (
        scripted([tool("x")]) as one,
        scripted([tool("y")]) as two,
        world(one.node("one"), two.node("two")) as here,
    ):
        tools = here.toolbox.for_caller(READER)
        before = offered(tools)
        await one.stop()
        here.api.app.openapi_schema = {"openapi": "3.1.0", "paths": 7}
        (result,) = await results(tools, (REFRESH, {}))
        assert not result.is_error
        report = result.content[0]["text"] if isinstance(result.content, list) else result.content
        lines = str(report).splitlines()
        assert lines[0].endswith(
            "as before. Reading them again failed: The Imbi API's OpenAPI document cannot be used: it is no OpenAPI 3 "
            "document."
        )
        assert lines[1] == "One: 1 tool, as before. Reading them again failed: The server cannot be reached."
        assert lines[2] == "Two: 1 tool."
        assert offered(tools) == before
        await two.stop()
        (result,) = await results(tools, (REFRESH, {}))
        assert result.is_error, "where everything has failed, the refresh has"


@pytest.mark.proves("refresh.nobody-waits", "refresh.partial")
async def test_a_refresh_is_bounded_shared_and_in_nobodys_way() -> None:
    over = asyncio.Event()
    host = scripted([tool("x")])
    async with host, world(host.node(timeout=60.0), timeout=2.0) as here:

        async def hang(request: Request) -> None:
            if request.headers.get("mcp-method") == "tools/list":
                await over.wait()

        host.before = hang
        host.seen.clear()
        refreshing = [
            asyncio.create_task(results(here.toolbox.for_caller(caller), (REFRESH, {})))
            for caller in (ADMIN, READER, GUEST)
        ]
        async with asyncio.timeout(5):
            while len(host.seen) < 2:  # noqa: ASYNC110  # until the server has been asked for its list
                await asyncio.sleep(0.01)
        (during,) = await results(here.toolbox.for_caller(READER), ("whoami", {}))
        assert str(fingerprint("Bearer reader-token")) in str(during.content)
        assert not any(task.done() for task in refreshing)
        told = [each[0] for each in await asyncio.gather(*refreshing)]
        assert len(host.seen) == 2, "three refreshes are one reading"
        assert all(
            "Calc: 1 tool, as before. Reading them again failed: The server did not" in str(r.content) for r in told
        )
        over.set()


@pytest.mark.proves("refresh.nobody-waits")
async def test_a_caller_who_goes_away_does_not_stop_the_others_refresh() -> None:
    async with scripted([tool("x")]) as host, world(host.node()) as here:
        first = asyncio.create_task(results(here.toolbox.for_caller(ADMIN), (REFRESH, {})))
        second = asyncio.create_task(results(here.toolbox.for_caller(READER), (REFRESH, {})))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()
        (result,) = await second
        assert "Calc: 1 tool." in str(result.content)


@pytest.mark.proves("refresh.unknown-name")
async def test_an_unknown_name_has_everything_read_again_once() -> None:
    listed = [tool("x")]
    async with scripted(lambda _params: {"tools": listed}) as host, world(host.node()) as here:
        listed.append(tool("y"))
        tools = here.toolbox.for_caller(ADMIN)
        host.seen.clear()
        known, unknown, other = await results(tools, ("mcp_calc_y", {}), ("mcp_calc_z", {}), ("no_such", {}))
        assert (known.is_error, unknown.is_error, other.is_error) == (False, True, True)
        assert unknown.content == "There is no tool named mcp_calc_z that this user may call now."
        assert len(host.seen) == 3, "a question, a list, and the call"
        host.seen.clear()
        await results(tools, ("mcp_calc_z", {}))
        await results(here.toolbox.for_caller(ADMIN), ("mcp_calc_z", {}))
        assert not host.seen, "neither again in the same turn, nor so soon in another"
        here.clock.now += 11
        await results(here.toolbox.for_caller(ADMIN), ("mcp_calc_z", {}))
        assert host.seen


@pytest.mark.proves("refresh.unknown-name")
async def test_without_sources_an_unknown_name_is_an_error_at_once() -> None:
    toolbox = Toolbox([ClientSideToolset()])
    (result,) = await results(toolbox.for_caller(ADMIN), ("x" * 5000, {}))
    assert result.is_error
    assert len(str(result.content)) < 200


@pytest.mark.proves("external.failures")
async def test_a_failed_external_call_is_a_result() -> None:
    async with scripted([tool("x")], lambda _params: Response("no", 500)) as host, world(host.node()) as here:
        (result,) = await results(here.toolbox.for_caller(ADMIN), ("mcp_calc_x", {}))
        assert (result.is_error, result.content) == (True, "The server Calc answered HTTP 500.")


@pytest.mark.slow
@pytest.mark.proves("external.no-crossed-calls", "tools.no-crossed-tokens", "refresh.nobody-waits")
async def test_fifty_callers_with_twenty_calls_each_while_everything_is_refreshed(echo: Host) -> None:
    async with world(echo.node(timeout=60.0), timeout=60.0) as here:
        lost: list[str] = []

        async def ask(number: int) -> None:
            token = f"token-of-{number}"
            caller = Caller(Principal(f"user-{number}@example.com", "U", permissions=frozenset()), token)
            tools = here.toolbox.for_caller(caller)
            for call in range(10):
                word = f"{number}/{call}"
                own, echoed = await results(tools, ("whoami", {}), ("mcp_calc_echo", {"word": word}))
                if f'"{fingerprint(f"Bearer {token}")}"' != own.content or echoed.content != word:
                    lost.append(f"{word}: {own.content} {echoed.content}")

        async def refresh() -> None:
            while not done.is_set():
                add_operation(here.api, f"/api/added/{len(here.api.app.routes)}")
                (result,) = await results(here.toolbox.for_caller(ADMIN), (REFRESH, {}))
                assert not result.is_error

        done = asyncio.Event()
        refreshing = asyncio.create_task(refresh())
        await asyncio.gather(*(ask(number) for number in range(50)))
        done.set()
        await refreshing
        assert not lost
        assert not any("token-of" in str(request.headers.raw) for request in echo.seen)


@pytest.fixture
async def echo() -> AsyncIterator[Host]:
    server = FastMCP[None]("echo")

    @server.tool(name="echo")
    async def repeat(word: str) -> str:
        return word

    async with hosted(server, "legacy", json_response=True) as host:
        yield host
