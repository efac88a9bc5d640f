"""Failed calls: how they are described, and what is never followed or read to its end."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any

import pytest
from fastmcp import FastMCP
from starlette.responses import RedirectResponse, Response, StreamingResponse

from shared.domain.errors import ToolError
from shared.domain.ports import ToolOutput
from tests.support.mcp_hosts import (
    USER_TOKEN,
    Era,
    Json,
    calculator,
    called,
    error,
    hosted,
    loaded,
    names,
    scripted,
    tool,
    toolset_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

pytestmark = pytest.mark.anyio


@pytest.mark.proves("external.failures")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda: error(-32602, "Unknown thing: Bearer abc.def"), "The server Odd answered: Unknown thing: …."),
        (lambda: error(-32603, "", 500), "The server Odd refused the request without a reason."),
        (lambda: Response("oops", 500), "The server Odd answered HTTP 500."),
        (lambda: Response("no", 401), "The server Odd does not accept the assistant's credentials (HTTP 401)."),
        (lambda: Response("<html>", 200, media_type="text/html"), "The server Odd sent a response that violates the "),
        (lambda: Response("{", 200, media_type="application/json"), "The server Odd sent a response that violates "),
        (lambda: Response("", 202), "The server Odd sent a response that violates the protocol, or none."),
        (
            lambda: Response(": hi\n\n", 200, media_type="text/event-stream"),
            "The server Odd sent a response that",
        ),
        (lambda: RedirectResponse("http://localhost:1/mcp", 307), "The server Odd redirects to another address, and"),
        (lambda: {"content": 7, "isError": "maybe"}, "The server Odd sent a response that violates the protocol."),
    ],
)
async def test_a_failure_is_described_in_a_sentence(
    answer: Any, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with scripted([tool("x")], lambda _params: answer()) as host, toolset_of(host.node("odd")) as toolset:
        await loaded(toolset)
        with pytest.raises(ToolError) as raised:
            await called(toolset, "mcp_odd_x")
    assert str(raised.value).startswith(expected)
    assert "127.0.0.1" not in str(raised.value)
    assert USER_TOKEN not in caplog.text


@pytest.mark.proves("external.redirects")
async def test_redirects_are_followed_within_the_origin_only() -> None:
    async def bounce(request: Request) -> Response | None:
        return RedirectResponse("/mcp", 307) if request.url.path == "/old" else None

    async with hosted(calculator(), before=bounce) as host:
        moved = host.node(url=host.url.replace("/mcp", "/old"))
        async with toolset_of(moved) as toolset:
            await loaded(toolset)
            assert await called(toolset, "mcp_calc_add", a=1, b=1) == ToolOutput("2")

        async with scripted(before=redirect_to(host.url)) as other, toolset_of(other.node("odd")) as toolset:
            host.seen.clear()
            await loaded(toolset)
            (report,) = await toolset.refresh(5)
            assert report.problem == "The server redirects to another address, and the assistant does not follow."
            assert not host.seen


def redirect_to(url: str) -> Any:
    async def redirect(_request: Request) -> Response:
        return RedirectResponse(url, 307)

    return redirect


@pytest.mark.proves("external.bounded")
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_a_response_of_fifty_megabytes_is_not_read(kind: str) -> None:
    over = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b'data: {"x": "' if kind == "text/event-stream" else b'{"x": "'
        for number in range(500):
            if number == 100:
                await over.wait()
            yield b"y" * 100_000

    async with (
        scripted([tool("x")], lambda _params: StreamingResponse(endless(), media_type=kind)) as host,
        toolset_of(host.node("big")) as toolset,
    ):
        await loaded(toolset)
        with pytest.raises(ToolError, match=r"The server Big sent (more than 8 MB|a response that violates)"):
            await called(toolset, "mcp_big_x")
        over.set()
        assert names(toolset) == ["mcp_big_x"]


@pytest.mark.proves("external.bounded")
async def test_a_compressed_response_is_counted_after_decompression() -> None:
    packed = gzip.compress(b'{"x": "' + bytes(50_000_000) + b'"}')

    def answer(_params: Json) -> Response:
        return Response(packed, headers={"Content-Encoding": "gzip"}, media_type="application/json")

    async with scripted([tool("x")], answer) as host, toolset_of(host.node("big")) as toolset:
        await loaded(toolset)
        with pytest.raises(ToolError, match="The server Big sent more than 8 MB: ask for less"):
            await called(toolset, "mcp_big_x")


@pytest.mark.proves("external.timeout")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_call_ends_with_the_servers_own_timeout(era: Era) -> None:
    server = FastMCP[None]("slow")
    stopped = asyncio.Event()

    @server.tool
    async def wait() -> None:
        await stopped.wait()

    async with hosted(server, era) as host, toolset_of(host.node("slow", timeout=3.0)) as toolset:
        await loaded(toolset)
        with pytest.raises(
            ToolError, match=r"The server Slow did not answer within 3 seconds\. If the call was to chan"
        ):
            await called(toolset, "mcp_slow_wait")
        stopped.set()


@pytest.mark.proves("external.results")
async def test_unknown_content_does_not_hide_the_rest() -> None:
    content = [{"type": "hologram", "data": 7}, {"type": "text", "text": "seen"}, "odd"]
    async with scripted([tool("x")], lambda _params: {"content": content}) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        output = await called(toolset, "mcp_calc_x")
        assert output.content == "[content of a kind that is not shown]\nseen\n[content of a kind that is not shown]"


@pytest.mark.proves("external.bounded")
async def test_a_result_of_very_many_blocks_is_cut() -> None:
    content = [{"type": "text", "text": "a"}] * 20_000
    async with scripted([tool("x")], lambda _params: {"content": content}) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        output = await called(toolset, "mcp_calc_x")
    assert output.content == "a\n" * 1000 + "[19,000 more content blocks are left out]"


@pytest.mark.proves("external.bounded")
async def test_very_long_names_and_descriptions_are_cut_before_they_are_processed() -> None:
    listed = [tool("x" * 1_000_000), tool("y", description="-" * 1_000_000), tool("z", description=" \n" * 500_000)]
    async with asyncio.timeout(60):
        async with scripted(listed) as host, toolset_of(host.node(timeout=60.0)) as toolset:
            (report,) = await toolset.refresh(60.0)
            assert names(toolset) == ["mcp_calc_y", "mcp_calc_z"]
    assert report.notes == (f"Left out: {'x' * 64} (its name is too long).",)
