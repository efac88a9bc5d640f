"""The id of a request in its log lines, under uvicorn and behind a proxy."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from shared.http.request_context import RequestContext
from shared.observability import logs
from tests.support.log_lines import written_log

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


TRACE = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"


async def bound_for(headers: list[tuple[bytes, bytes]]) -> str:
    told: list[str] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        told.append(logs.bound()["request_id"])

    async def nothing(*_message: Message) -> Message:
        return {}

    logs.bind(user="somebody else")
    await RequestContext(app)({"type": "http", "method": "GET", "headers": headers}, nothing, nothing)  # type: ignore[arg-type]  # never called
    assert "user" not in logs.bound()
    return told[0]


@pytest.mark.proves("telemetry.lines")
async def test_a_proxys_id_is_taken_over_and_any_other_is_not() -> None:
    for usual in (
        b"abc-123",
        TRACE.encode(),
        b"x" * 256,
    ):
        assert await bound_for([(b"x-request-id", usual)]) == usual.decode()
    for odd in (b"", b"a b", b"x" * 257, b"\xff", b'a"b', b"{a}", b"a\x1b[2J"):
        assert len(await bound_for([(b"x-request-id", odd)])) == 32
    assert await bound_for([]) != await bound_for([])


@pytest.mark.proves("telemetry.traced-lines")
@pytest.mark.parametrize(
    ("trace", "shown"),
    [
        (TRACE, "1-67891233-abcdef012345678912345678"),
        ("Parent=1;Sampled=0; Root=1-a-b", "1-a-b"),
        ("Self=1-a-b", None),
        ("", None),
    ],
)
async def test_the_lines_of_a_task_have_the_trace_of_its_own_invocation(trace: str, shown: str | None) -> None:
    async def handle(trace: str) -> None:
        logs.bind_invocation(trace)
        await bound_for([])
        await asyncio.sleep(0)
        logging.getLogger("shared.tested").info("handled")

    with written_log() as written:
        await asyncio.gather(*(asyncio.create_task(handle(each)) for each in (trace, "Root=1-other")))
    ours, theirs = (line for line in written.objects if line["message"] == "handled")
    assert ours.get("xray_trace_id") == shown
    assert theirs["xray_trace_id"] == "1-other"
