"""The health of external servers: what is recorded, how often, and that recording disturbs nothing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import Response

from shared.domain.errors import GraphError, ToolError
from shared.domain.models import MCPServer
from tests.support.clock import Clock
from tests.support.mcp_hosts import ADA, SECONDS, error, names, scripted, tool, toolset_of

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from tests.support.mcp_hosts import Json

pytestmark = [pytest.mark.anyio, pytest.mark.proves("external.health")]


class Recorder:
    """Keeps the health that is written, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.attempts = 0
        self.written: list[Json] = []
        self._failure = failure

    async def __call__(
        self,
        slug: str,
        *,
        status: str,
        error: str | None,
        tested_at: datetime,
        latency_ms: int,
        tools_discovered: int | None,
    ) -> None:
        self.attempts += 1
        if self._failure is not None:
            raise self._failure
        assert tested_at.tzinfo is not None
        assert latency_ms >= 0
        self.written.append({"slug": slug, "status": status, "error": error, "tools": tools_discovered})

    async def until(self, attempts: int) -> None:
        async with asyncio.timeout(SECONDS):
            while self.attempts < attempts:  # noqa: ASYNC110  # writes end in the background
                await asyncio.sleep(0.01)


def health(status: str, message: str | None, tools: int | None = None, slug: str = "calc") -> Json:
    return {"slug": slug, "status": status, "error": message, "tools": tools}


async def test_a_listing_is_recorded_with_the_number_of_tools() -> None:
    recorder = Recorder()
    listed = [tool("x"), tool("y"), tool("z", {"type": "string"})]
    node: Json = {"ignored_tools": frozenset({"y"})}
    async with scripted(listed) as host, toolset_of(host.node(**node), record_health=recorder) as toolset:
        await toolset.ensure_loaded()
        await recorder.until(1)
        assert names(toolset) == ["mcp_calc_x"]
    assert recorder.written == [health("healthy", None, 3)]


@pytest.mark.parametrize(
    ("status", "answer", "message"),
    [
        ("degraded", Response("no", 401), "does not accept the assistant's credentials (HTTP 401)"),
        ("degraded", Response("at 10.0.0.1", 500), "answered HTTP 500"),
        ("degraded", Response("<html>", media_type="text/html"), "sent a response that violates the protocol, or none"),
        ("unreachable", Response(b"{", headers={"Content-Length": "9"}, media_type="application/json"), "closed the"),
    ],
)
async def test_a_failed_listing_is_recorded(status: str, answer: Response, message: str) -> None:
    async def respond(_request: Request) -> Response:
        return answer

    recorder = Recorder()
    async with scripted(before=respond) as host, toolset_of(host.node(), record_health=recorder) as toolset:
        await toolset.ensure_loaded()
        await recorder.until(1)
    (written,) = recorder.written
    assert (written["status"], written["tools"]) == (status, None)
    assert str(written["error"]).startswith(f"The server {message}")


async def test_a_server_that_cannot_be_reached_is_recorded_without_its_address() -> None:
    recorder = Recorder()
    node = MCPServer(slug="dead", name="Dead", url="http://127.0.0.1:9/secret-path", tool_prefix="dead")
    async with toolset_of(node, record_health=recorder) as toolset:
        await toolset.ensure_loaded()
        await recorder.until(1)
    assert recorder.written == [health("unreachable", "The server cannot be reached.", slug="dead")]


async def test_a_failed_call_is_recorded_without_text_from_the_server() -> None:
    clock, recorder = Clock(), Recorder()
    failure = error(-32603, "Connection to http://10.0.0.7/ with token s3cret failed")
    async with (
        scripted([tool("x")], lambda _params: dict(failure)) as host,
        toolset_of(host.node(), clock=clock, record_health=recorder) as toolset,
    ):
        await toolset.ensure_loaded()
        await recorder.until(1)
        clock.now += 61
        with pytest.raises(ToolError, match="s3cret"):
            await toolset.call("mcp_calc_x", {}, ADA)
        await recorder.until(2)
    assert recorder.written[1] == health("degraded", "The server refused a request (JSON-RPC error -32603).")


@pytest.mark.parametrize("answer", [error(-32602, "Invalid arguments"), {"content": [], "isError": True}, {}])
async def test_a_mistake_of_the_model_says_nothing_about_the_health(answer: Json) -> None:
    clock, recorder = Clock(), Recorder()
    async with (
        scripted([tool("x")], lambda _params: {"content": [], **answer}) as host,
        toolset_of(host.node(), clock=clock, record_health=recorder) as toolset,
    ):
        await toolset.ensure_loaded()
        await recorder.until(1)
        clock.now += 61
        with contextlib.suppress(ToolError):
            await toolset.call("mcp_calc_x", {}, ADA)
    assert recorder.attempts == 1


async def test_health_is_written_at_most_once_a_minute_and_the_last_outcome_is_not_lost() -> None:
    clock, recorder = Clock(), Recorder()
    async with (
        scripted([tool("x")], lambda _params: error(-32603, "no")) as host,
        toolset_of(host.node(), clock=clock, record_health=recorder) as toolset,
    ):
        await toolset.ensure_loaded()
        await recorder.until(1)
        for _ in range(5):
            clock.now += 10
            with pytest.raises(ToolError):
                await toolset.call("mcp_calc_x", {}, ADA)
            await toolset.ensure_loaded()
        assert recorder.attempts == 1
        clock.now += 10
        await toolset.ensure_loaded()
        await recorder.until(2)
        clock.now += 61
        await toolset.ensure_loaded()
    assert [each["status"] for each in recorder.written] == ["healthy", "degraded"]


async def test_a_write_that_fails_is_logged_once_and_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    clock, recorder = Clock(), Recorder(GraphError("InsufficientPrivilege (42501)"))
    async with (
        scripted([tool("x")]) as host,
        toolset_of(host.node(), clock=clock, record_health=recorder) as toolset,
    ):
        for attempt in range(3):
            await toolset.refresh(30.0)
            await recorder.until(attempt + 1)
            clock.now += 61
        assert (await toolset.call("mcp_calc_x", {}, ADA)).is_error is False
    assert caplog.text.count("the health of external servers cannot be written: GraphError") == 1


async def test_a_write_that_hangs_delays_neither_a_call_nor_the_end() -> None:
    hanging_writes: list[Any] = []

    async def hang(*_arguments: Any, **_fields: Any) -> None:
        hanging_writes.append(asyncio.current_task())
        await asyncio.Event().wait()

    async with asyncio.timeout(60):
        async with scripted([tool("x")]) as host, toolset_of(host.node(), record_health=hang) as toolset:
            await toolset.ensure_loaded()
            assert not (await toolset.call("mcp_calc_x", {}, ADA)).is_error
            assert len(hanging_writes) == 1
        await asyncio.wait(hanging_writes)
    assert hanging_writes[0].cancelled()
