"""The chat function's start under the Lambda Runtime API, on demand and restored from a snapshot, in CPU seconds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bench.figures import Figure, Goal, percentile
from bench.processes import running
from tests.support.runtime_api import runtime_api

if TYPE_CHECKING:
    from bench.environment import Bench

_SECONDS = 60
_COMMAND = ["-m", "shared.aws.streaming"]
_HANDLER = {"_HANDLER": "functions.send_message.handler"}


async def measure(bench: Bench) -> list[Figure]:
    """Start the function several times, and report the medians."""
    count = 1 if bench.is_quick else 5
    starts = [await _on_demand(bench) for _ in range(count)]
    restores = [await _restored(bench) for _ in range(count)]
    return [
        Figure("cold", "chat: CPU until the first /next", "s", percentile(starts, 0.5), goal=Goal(2.5)),
        Figure("cold", "chat: CPU from /restore/next to /next", "s", percentile(restores, 0.5), goal=Goal(0.2)),
    ]


async def _on_demand(bench: Bench) -> float:
    async with runtime_api() as api:
        variables = {**bench.variables(), **_HANDLER, "AWS_LAMBDA_RUNTIME_API": api.address}
        async with running(_COMMAND, bench.directory, "cold.log", variables) as measured, asyncio.timeout(_SECONDS):
            await api.asked.wait()
            return measured.cpu_seconds


async def _restored(bench: Bench) -> float:
    async with runtime_api() as api:
        variables = {**bench.variables(), **_HANDLER, "AWS_LAMBDA_RUNTIME_API": api.address}
        variables["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
        async with running(_COMMAND, bench.directory, "cold.log", variables) as measured, asyncio.timeout(_SECONDS):
            await api.asked_to_restore.wait()
            before = measured.cpu_seconds
            api.may_restore.set()
            await api.asked.wait()
            return measured.cpu_seconds - before
