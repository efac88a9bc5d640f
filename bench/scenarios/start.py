"""The time from the command to the first status and the first answer, and the memory of the idle service."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.environment import reachable
from bench.figures import Figure, Goal, percentile
from bench.wire import Shape

if TYPE_CHECKING:
    from bench.environment import Bench

_GOALS = {
    "until /status": Goal(2.5),
    "until a first answer": Goal(5),
    "CPU until a first answer": Goal(2.5),
    "memory idle": Goal(130),
}


@dataclass(frozen=True, slots=True)
class _Start:
    status: float
    answer: float
    status_cpu: float
    answer_cpu: float
    memory: float


async def measure(bench: Bench) -> list[Figure]:
    """Start service and relay several times, and report the medians."""
    count = 1 if bench.is_quick else 5
    async with bench.service() as service:  # sets the graph up and compiles the bytecode
        conversations = [await service.conversation() for _ in range(count)]
    ours = [await _service(bench, conversation_id) for conversation_id in conversations]
    floors = [await _floor(bench) for _ in range(count)]
    return [
        Figure(
            "start" if unit == "s" else "memory",
            name,
            unit,
            percentile((getattr(each, field) for each in ours), 0.5),
            percentile((getattr(each, field) for each in floors), 0.5),
            _GOALS.get(name),
        )
        for name, unit, field in (
            ("until /status", "s", "status"),
            ("until a first answer", "s", "answer"),
            ("CPU until /status", "s", "status_cpu"),
            ("CPU until a first answer", "s", "answer_cpu"),
            ("memory idle", "MiB", "memory"),
        )
    ]


async def _service(bench: Bench, conversation_id: str) -> _Start:
    began = time.perf_counter()
    async with bench.service(is_warm=False) as service:
        await reachable(f"{service.url}/status")
        status = time.perf_counter() - began, service.measured.cpu_seconds
        outcome = await service.ask(conversation_id, Shape(1))
        answer = time.perf_counter() - began, service.measured.cpu_seconds
        assert outcome.is_good  # noqa: S101  # nothing can be measured
        await service.measured.settled()
        return _Start(status[0], answer[0], status[1], answer[1], service.measured.memory())


async def _floor(bench: Bench) -> _Start:
    began = time.perf_counter()
    async with bench.floor() as floor:
        status = time.perf_counter() - began, floor.measured.cpu_seconds
        await floor.ask(0, Shape(1))
        answer = time.perf_counter() - began, floor.measured.cpu_seconds
        await floor.measured.settled()
        return _Start(status[0], answer[0], status[1], answer[1], floor.measured.memory())
