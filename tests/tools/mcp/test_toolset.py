"""Reading the tools of external servers: side by side, bounded, kept, tried again, and named."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from fastmcp import FastMCP
from starlette.responses import Response

from shared.domain.errors import GraphUnavailable, ToolError
from shared.domain.models import MCPServer
from tests.support.mcp_hosts import ADA, Clock, hosted, names, scripted, tool, toolset_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.tools.mcp.toolset import ExternalToolset
    from tests.support.mcp_hosts import Host, Json

pytestmark = pytest.mark.anyio

NOWHERE = MCPServer(slug="dead", name="Dead", url="http://127.0.0.1:9/mcp", tool_prefix="dead")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def until(toolset: ExternalToolset, expected: list[str]) -> None:
    async with asyncio.timeout(10):
        while names(toolset) != expected:  # noqa: ASYNC110  # readings end somewhere in the background
            await asyncio.sleep(0.01)


def hanging(over: asyncio.Event) -> Any:
    async def hang(_request: Request) -> None:
        await over.wait()

    return hang


@pytest.mark.proves("external.skipped", "external.first-word")
async def test_one_bad_server_is_in_nobodys_way(caplog: pytest.LogCaptureFixture) -> None:
    over = asyncio.Event()
    async with (
        scripted([tool("x")]) as good,
        scripted(before=hanging(over)) as slow,
        scripted(lambda _params: Response("<html>", media_type="text/html")) as lying,
    ):
        nodes = good.node("good"), slow.node("slow", timeout=60.0), lying.node("lying"), NOWHERE
        async with toolset_of(*nodes, patience=1.0) as toolset:
            async with asyncio.timeout(30):
                await toolset.ensure_loaded()
            assert names(toolset) == ["mcp_good_x"]
            async with asyncio.timeout(30):
                await toolset.ensure_loaded()
            over.set()
            slow.before = None
            assert (await toolset.call("mcp_good_x", {}, ADA)).content == "Done; the tool gave no content."
    assert "the tools of dead cannot be read: it cannot be reached" in caplog.text
    assert "the tools of lying cannot be read: it gave an answer that is not the protocol's" in caplog.text
    assert "127.0.0.1" not in "".join(record.getMessage() for record in caplog.records if record.name[:6] == "shared")


@pytest.mark.proves("external.first-word")
async def test_what_comes_late_is_offered_in_a_later_round() -> None:
    over = asyncio.Event()
    async with scripted([tool("x")], before=hanging(over)) as host, toolset_of(host.node(), patience=0.1) as toolset:
        await toolset.ensure_loaded()
        assert names(toolset) == []
        over.set()
        await until(toolset, ["mcp_calc_x"])


@pytest.mark.proves("external.first-word")
async def test_servers_are_reached_side_by_side() -> None:
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
        toolset_of(a.node("a"), b.node("b"), c.node("c"), patience=5.0) as toolset,
    ):
        await toolset.ensure_loaded()
        assert names(toolset) == ["mcp_a_x", "mcp_b_x", "mcp_c_x"]


@pytest.mark.proves("external.comes-back")
async def test_a_server_that_failed_comes_back_by_itself() -> None:
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
async def test_a_server_that_keeps_failing_is_asked_less_and_less_often() -> None:
    clock = Clock()

    async def refuse(_request: Request) -> Response:
        return Response("no", 503)

    async with scripted(before=refuse) as host, toolset_of(host.node(), clock=clock) as toolset:
        for pause, expected in ((0, 1), (14, 1), (2, 2), (16, 2), (15, 3), (45, 3), (16, 4)):
            clock.now += pause
            await toolset.ensure_loaded()
            assert len(host.seen) == expected


@pytest.mark.proves("external.kept")
async def test_a_list_is_kept_read_again_behind_the_scenes_and_dropped_when_it_is_old() -> None:
    clock = Clock()
    listed = [tool("x")]
    async with scripted(lambda _params: {"tools": listed}) as host, toolset_of(host.node(), clock=clock) as toolset:
        for _ in range(3):
            await toolset.ensure_loaded()
        assert len(host.seen) == 2, "a question and a list"
        listed.append(tool("y"))
        clock.now += 181
        await toolset.ensure_loaded()
        await until(toolset, ["mcp_calc_x", "mcp_calc_y"])
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
async def test_a_process_that_was_frozen_while_it_read_reads_anew() -> None:
    clock, over = Clock(), asyncio.Event()
    host = scripted([tool("x")], before=hanging(over))
    async with host, toolset_of(host.node(timeout=30.0), clock=clock, patience=0.1) as toolset:
        await toolset.ensure_loaded()
        host.before = None
        clock.now += 3600
        await toolset.ensure_loaded()
        await until(toolset, ["mcp_calc_x"])
        over.set()


@pytest.mark.proves("external.kept")
async def test_a_clock_that_was_set_back_does_no_harm() -> None:
    clock = Clock()
    async with scripted([tool("x")]) as host, toolset_of(host.node(), clock=clock) as toolset:
        await toolset.ensure_loaded()
        clock.now -= 10_000
        await toolset.ensure_loaded()
        await until(toolset, ["mcp_calc_x"])


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
        async with toolset_of(*nodes, patience=10.0) as toolset:
            await toolset.ensure_loaded()
            offered = names(toolset)
    assert [name for name in offered if name.startswith("mcp_a_")] == [f"mcp_a_t{number}" for number in range(5)]
    assert [name for name in offered if name.startswith("mcp_b_")] == ["mcp_b_xNone", "mcp_b_xagain"]
    assert len([name for name in offered if name.startswith("mcp_c_")]) == 100


@pytest.mark.proves("external.timeout")
async def test_a_list_ends_with_the_servers_own_timeout() -> None:
    over = asyncio.Event()
    async with scripted(before=hanging(over)) as host, toolset_of(host.node(timeout=0.3), patience=5.0) as toolset:
        await toolset.ensure_loaded()
        (report,) = await toolset.refresh(5.0)
        assert report.problem == "The server did not answer within 0.3 seconds."
        over.set()


@pytest.mark.proves("external.names")
async def test_names_are_made_acceptable_and_no_tool_loses_its_name() -> None:
    odd = [tool(name) for name in ("a b", "a/b", "a_b", "日本", "x" * 200, "y" * 60, "a_b", 7, "", None)]
    async with scripted(odd) as one, scripted([tool("a_b"), tool("c")]) as two:
        nodes = one.node("one", tool_prefix="p"), two.node("two", tool_prefix="p"), two.node("three", tool_prefix="p_a")
        async with toolset_of(*nodes) as toolset:
            await toolset.ensure_loaded()
            offered = names(toolset)
        async with toolset_of(*nodes) as toolset:
            await toolset.ensure_loaded()
            assert names(toolset) == offered, "the same at every start"
    assert len(set(offered)) == len(offered) == 6 + 2 + 2
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in offered)
    assert {"mcp_p_a_b", "mcp_p_c", "mcp_p_a_c", "mcp_p_a_a_b"} < set(offered)


@pytest.mark.proves("external.names")
async def test_the_apis_tools_win_and_a_name_stays_while_servers_come_and_go() -> None:
    clock = Clock()
    taken: set[str] = set()

    def said(word: str) -> Any:
        return lambda _params: {"content": [{"type": "text", "text": word}]}

    async with scripted([tool("x")], said("one")) as one, scripted([tool("x")], said("two")) as two:
        nodes = one.node("one", tool_prefix="p"), two.node("two", tool_prefix="p")
        await one.stop()
        async with toolset_of(*nodes, clock=clock, reserved=lambda: frozenset(taken)) as toolset:
            await toolset.ensure_loaded()
            assert names(toolset) == ["mcp_p_x"]
            await one.start()
            clock.now += 20
            await toolset.ensure_loaded()
            assert len(names(toolset)) == 2
            assert (await toolset.call("mcp_p_x", {}, ADA)).content == "two", "the name is still the same tool's"
            taken.add("mcp_p_x")
            assert "mcp_p_x" not in names(toolset)
            contents = {str((await toolset.call(name, {}, ADA)).content) for name in names(toolset)}
            assert contents == {"one", "two"}
            with pytest.raises(ToolError, match="There is no tool named 'mcp_p_x'"):
                await toolset.call("mcp_p_x", {}, ADA)


@pytest.mark.proves("external.ignored")
async def test_ignored_tools_are_not_offered() -> None:
    node_tools = [tool("x"), tool("y")]
    async with scripted(node_tools) as host, toolset_of(host.node(ignored_tools=frozenset({"y"}))) as toolset:
        await toolset.ensure_loaded()
        assert names(toolset) == ["mcp_calc_x"]


@pytest.mark.proves("external.ignored")
async def test_servers_that_are_added_changed_and_removed_are_noticed() -> None:
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
            await until(toolset, expected)


@pytest.mark.proves("external.skipped")
async def test_while_the_database_lists_no_servers_those_that_are_known_stay() -> None:
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
        assert report.problem == "The database gave none."
        is_down = False
        clock.now += 16
        await toolset.ensure_loaded()
        await until(toolset, ["mcp_calc_x"])
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
        ({"url": "ftp://files.example.com/"}, "The server has an address or gives answers that cannot be used."),
        ({"url": "http://[bad"}, "The server cannot be reached."),
        ({"url": "http://no-such-host.invalid/mcp"}, "The server cannot be reached."),
    ],
)
async def test_a_server_that_is_set_up_wrongly_is_reported(changes: Json, problem: str) -> None:
    async with scripted([tool("x")]) as host, toolset_of(host.node(**changes)) as toolset:
        await toolset.ensure_loaded()
        (report,) = await toolset.refresh(10.0)
        assert report.problem == problem


async def test_asking_for_the_definitions_again_gives_the_same(host_of_calculator: Host) -> None:
    async with toolset_of(host_of_calculator.node()) as toolset:
        await toolset.ensure_loaded()
        assert toolset.definitions(ADA.principal) is toolset.definitions(ADA.principal)
        await toolset.refresh(5.0)
        assert toolset.definitions(ADA.principal) is toolset.definitions(ADA.principal)


@pytest.fixture
async def host_of_calculator() -> Any:
    server = FastMCP[None]("calculator")

    @server.tool
    def add(a: int, b: int) -> int:
        return a + b

    async with hosted(server) as host:
        yield host
