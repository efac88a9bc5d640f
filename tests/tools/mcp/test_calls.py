"""Calls of external servers' tools: both eras, sessions, results, failures, and what never leaves or comes back."""

from __future__ import annotations

import asyncio
import gzip
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from fastmcp import Context, FastMCP
from mcp import types
from starlette.responses import RedirectResponse, Response, StreamingResponse

from shared.domain.errors import ToolError
from shared.domain.ports import ToolOutput
from tests.support.mcp_hosts import ADA, BEN, MODERN, USER_TOKEN, error, hosted, names, scripted, tool, toolset_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from shared.domain.models import Caller
    from shared.tools.mcp.toolset import ExternalToolset
    from tests.support.mcp_hosts import Era, Json

pytestmark = pytest.mark.anyio

PICTURE = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def calculator() -> FastMCP[None]:
    server: FastMCP[None] = FastMCP("calculator")

    @server.tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool
    def measure(name: str) -> dict[str, Any]:
        """Measure something."""
        return {"name": name, "length": [1, 2]}

    @server.tool
    def show() -> list[Any]:
        """Show a picture and a page."""
        return [
            types.ImageContent(type="image", data=b64encode(PICTURE).decode(), mime_type="image/png"),
            types.EmbeddedResource(
                type="resource", resource=types.TextResourceContents(uri="note://1", text="a note", mime_type="a/b")
            ),
            types.ResourceLink(type="resource_link", name="more", uri="https://docs.example.com/more"),
        ]

    @server.tool
    def fail() -> str:
        raise ValueError("no such thing")

    @server.tool
    async def remember(word: str, context: Context) -> str:
        """Remember a word for the session."""
        before = await context.get_state("word")
        await context.set_state("word", word)
        return f"before: {before}"

    @server.tool
    async def count(to: int, context: Context) -> str:
        """Count, and tell how far."""
        for number in range(to):
            await context.report_progress(number, to)
        return f"counted to {to}"

    return server


async def called(toolset: ExternalToolset, name: str, caller: Caller = ADA, /, **arguments: Any) -> ToolOutput:
    return await toolset.call(name, arguments, caller)


async def loaded(toolset: ExternalToolset) -> ExternalToolset:
    await toolset.ensure_loaded()
    return toolset


ERAS = pytest.mark.parametrize(
    ("era", "settings"),
    [
        ("modern", {}),
        ("modern", {"json_response": True}),
        ("legacy", {}),
        ("legacy", {"json_response": True}),
        ("legacy", {"stateless_http": True}),
        ("both", {}),
    ],
)


@pytest.mark.proves("external.eras")
@ERAS
async def test_servers_of_both_eras_are_used(era: Era, settings: Json) -> None:
    async with hosted(calculator(), era, **settings) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        assert "mcp_calc_add" in names(toolset)
        for _ in range(2):
            assert await called(toolset, "mcp_calc_add", a=2, b=3) == ToolOutput("5")
        assert await called(toolset, "mcp_calc_count", to=3) == ToolOutput("counted to 3")


@pytest.mark.proves("external.results")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_results_of_every_kind_are_passed_on(era: Era) -> None:
    async with hosted(calculator(), era) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        measured = await called(toolset, "mcp_calc_measure", name="plank")
        assert json.loads(str(measured.content)) == {"name": "plank", "length": [1, 2]}
        shown = await called(toolset, "mcp_calc_show")
        assert shown.content == [
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": b64encode(PICTURE).decode()},
            },
            {"type": "text", "text": "a note"},
            {"type": "text", "text": "more: https://docs.example.com/more"},
        ]
        failed = await called(toolset, "mcp_calc_fail")
        assert failed.is_error
        assert "no such thing" in str(failed.content)
        refused = await called(toolset, "mcp_calc_add", a="many", b=1)
        assert refused.is_error
        assert "valid integer" in str(refused.content)


@pytest.mark.proves("external.restart")
@ERAS
async def test_a_server_that_was_restarted_costs_one_silent_reconnect(era: Era, settings: Json) -> None:
    async with hosted(calculator(), era, **settings) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        assert await called(toolset, "mcp_calc_add", a=1, b=1) == ToolOutput("2")
        await host.restart()
        host.seen.clear()
        assert await called(toolset, "mcp_calc_add", a=1, b=2) == ToolOutput("3")
        assert len([request for request in host.seen if "mcp-session-id" not in request.headers]) <= 2
        host.seen.clear()
        assert await called(toolset, "mcp_calc_add", a=1, b=3) == ToolOutput("4")
        assert len(host.seen) == 1


@pytest.mark.proves("external.restart")
async def test_a_server_that_changed_its_era_is_met_anew() -> None:
    async with hosted(calculator(), "legacy") as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        for host.era in ("modern", "legacy", "modern"):
            await host.restart()
            assert await called(toolset, "mcp_calc_add", a=1, b=1) == ToolOutput("2")


@pytest.mark.proves("external.own-session")
async def test_callers_have_sessions_of_their_own_which_are_ended() -> None:
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
async def test_calls_of_a_new_caller_at_once_leave_no_session_behind() -> None:
    async with hosted(calculator(), "legacy") as host:
        async with toolset_of(host.node()) as toolset:
            await loaded(toolset)
            calls = [called(toolset, "mcp_calc_add", a=number, b=0) for number in range(5)]
            assert [output.content for output in await asyncio.gather(*calls)] == ["0", "1", "2", "3", "4"]
        begun = {request.headers["mcp-session-id"] for request in host.seen if "mcp-session-id" in request.headers}
        ended = {request.headers["mcp-session-id"] for request in host.seen if request.method == "DELETE"}
        assert begun == ended


@pytest.mark.proves("external.no-user-token", "external.secrets")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_the_static_header_goes_out_and_the_users_token_does_not(era: Era) -> None:
    key = Fernet.generate_key().decode()
    encrypted = Fernet(key).encrypt(b"Token t0p-s3cret").decode()
    server = FastMCP[None]("echo")
    received: list[str] = []

    @server.tool
    def echo() -> str:
        """Repeat what came in."""
        return " ".join(received)

    async def note(request: Request) -> None:
        received[:] = [f"{name}={value}" for name, value in request.headers.items()]

    async with hosted(server, era, before=note) as host:
        node = host.node("echo", auth_type="static", static_header="X-Api-Key", static_value_encrypted=encrypted)
        async with toolset_of(node, key=key) as toolset:
            await loaded(toolset)
            output = await called(toolset, "mcp_echo_echo")
        assert {request.headers.get("x-api-key") for request in host.seen} == {"Token t0p-s3cret"}
        assert not any(USER_TOKEN in str(request.headers.raw) for request in host.seen)
    assert "x-api-key=…" in str(output.content)
    assert "t0p-s3cret" not in f"{output} {node} {toolset.definitions(ADA.principal)}"


@pytest.mark.proves("external.failures")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda: error(-32602, "Unknown thing: Bearer abc.def"), "The server Odd answered: Unknown thing: …."),
        (lambda: error(-32603, "", 500), "The server Odd refused the call without a reason."),
        (lambda: Response("oops", 500), "The server Odd answered HTTP 500."),
        (lambda: Response("no", 401), "The server Odd does not accept the assistant's credentials (HTTP 401)."),
        (lambda: Response("<html>", 200, media_type="text/html"), "The server Odd gave an answer that is not the prot"),
        (lambda: Response("{", 200, media_type="application/json"), "The server Odd gave an answer that is not the "),
        (lambda: Response("", 202), "The server Odd gave an answer that is not the protocol's, or none."),
        (lambda: Response(": hi\n\n", 200, media_type="text/event-stream"), "The server Odd gave an answer that is "),
        (lambda: RedirectResponse("http://localhost:1/mcp", 307), "The server Odd redirects to somewhere else, which"),
        (lambda: {"content": 7, "isError": "maybe"}, "The server Odd gave an answer that is not the protocol's."),
    ],
)
async def test_what_fails_is_told_in_words(answer: Any, expected: str, caplog: pytest.LogCaptureFixture) -> None:
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
            assert report.problem == "The server redirects to somewhere else, which is not followed."
            assert not host.seen


def redirect_to(url: str) -> Any:
    async def redirect(_request: Request) -> Response:
        return RedirectResponse(url, 307)

    return redirect


@pytest.mark.proves("external.bounded")
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_an_answer_of_fifty_megabytes_is_not_read(kind: str) -> None:
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
        with pytest.raises(ToolError, match=r"The server Big gave an answer (of more than 8 MB|that is not)"):
            await called(toolset, "mcp_big_x")
        over.set()
        assert names(toolset) == ["mcp_big_x"]


@pytest.mark.proves("external.bounded")
async def test_a_packed_answer_is_counted_unpacked() -> None:
    packed = gzip.compress(b'{"x": "' + bytes(50_000_000) + b'"}')

    def answer(_params: Json) -> Response:
        return Response(packed, headers={"Content-Encoding": "gzip"}, media_type="application/json")

    async with scripted([tool("x")], answer) as host, toolset_of(host.node("big")) as toolset:
        await loaded(toolset)
        with pytest.raises(ToolError, match="The server Big gave an answer of more than 8 MB: ask for less"):
            await called(toolset, "mcp_big_x")


@pytest.mark.proves("external.timeout")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_call_ends_with_the_servers_own_timeout(era: Era) -> None:
    server = FastMCP[None]("slow")
    stopped = asyncio.Event()

    @server.tool
    async def wait() -> None:
        await stopped.wait()

    async with hosted(server, era) as host, toolset_of(host.node("slow", timeout=0.5)) as toolset:
        await loaded(toolset)
        with pytest.raises(
            ToolError, match=r"The server Slow did not answer within 0\.5 seconds\. If this was to chan"
        ):
            await called(toolset, "mcp_slow_wait")
        stopped.set()


@pytest.mark.proves("external.results")
async def test_content_that_is_unknown_does_not_spoil_the_rest() -> None:
    content = [{"type": "hologram", "data": 7}, {"type": "text", "text": "seen"}, "odd"]
    async with scripted([tool("x")], lambda _params: {"content": content}) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        output = await called(toolset, "mcp_calc_x")
        assert output.content == "[content of a kind that is not shown]\nseen\n[content of a kind that is not shown]"


async def test_a_call_that_is_to_be_asked_again_is_and_one_that_asks_the_user_is_not() -> None:
    states: list[Any] = []

    def call(params: Json) -> Json:
        states.append(params.get("requestState"))
        if params["name"] == "ask":
            schema = {"type": "object", "properties": {}}
            request = {"method": "elicitation/create", "params": {"message": "Sure?", "requestedSchema": schema}}
            return {"resultType": "input_required", "inputRequests": {"a": request}}
        if len(states) == 1:
            return {"resultType": "input_required", "requestState": "half-way"}
        return {"content": [{"type": "text", "text": "done"}]}

    async with scripted([tool("slow"), tool("ask")], call) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        assert await called(toolset, "mcp_calc_slow") == ToolOutput("done")
        assert states == [None, "half-way"]
        with pytest.raises(ToolError, match="asks for input that the assistant cannot give"):
            await called(toolset, "mcp_calc_ask")


async def test_arguments_that_belong_into_headers_go_there() -> None:
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    broken = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "not a token"}}}
    async with scripted([tool("x", schema), tool("y", broken)]) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        assert names(toolset) == ["mcp_calc_x"]
        await called(toolset, "mcp_calc_x", region="eu")
        assert host.seen[-1].headers["mcp-param-region"] == "eu"
        assert host.seen[-1].headers["mcp-protocol-version"] == MODERN


@pytest.mark.proves("external.no-crossed-calls")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_many_calls_at_once_while_everything_is_refreshed_are_all_answered_to_their_caller(era: Era) -> None:
    server = FastMCP[None]("echo")

    @server.tool
    async def echo(word: str) -> str:
        return word

    async def refresh(toolset: ExternalToolset) -> None:
        for _ in range(5):
            await toolset.refresh(10)

    async with hosted(server, era, json_response=True) as host, toolset_of(host.node(timeout=60.0)) as toolset:
        await loaded(toolset)
        slots = asyncio.Semaphore(25)

        async def ask(word: str) -> bool:
            async with slots:
                return (await called(toolset, "mcp_calc_echo", word=word)).content == word

        words = [f"{era} {caller} {call}" for caller in range(10) for call in range(10)]
        answers, _ = await asyncio.gather(asyncio.gather(*map(ask, words)), refresh(toolset))
        assert all(answers)
