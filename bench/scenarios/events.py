"""The cost of an answer's events: CPU time at a model's pace, and the highest rate."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bench.figures import Figure, Goal
from bench.wire import Shape

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.client import Outcome
    from bench.environment import Bench
    from bench.processes import Measured

    Ask = Callable[[int, Shape], Awaitable[Outcome]]

_STREAMS = 20
_INTERVAL = 10_000
"""The microseconds between two events of a paced stream, as of a fast model."""
_PER = 100_000
_GOAL = Goal(2, "ratio")


async def measure(bench: Bench) -> list[Figure]:
    """Stream long answers, one at a time and twenty in parallel."""
    paced = Shape(400 if bench.is_quick else 1500, _INTERVAL)
    long, shorter = (Shape(5_000), Shape(500)) if bench.is_quick else (Shape(40_000), Shape(4_000))
    async with bench.service("0") as service, bench.floor() as floor:
        conversations = [await service.conversation() for _ in range(_STREAMS)]

        async def ask(number: int, shape: Shape) -> Outcome:
            return await service.ask(conversations[number], shape)

        async def relay(_number: int, shape: Shape) -> Outcome:
            return await floor.ask(0, shape)

        cpu = [
            await _cpu(each, process, paced) for each, process in _both(ask, service.measured, relay, floor.measured)
        ]
        alone = [await _rate(each, long, 1) for each in (ask, relay)]
        together = [await _rate(each, shorter, _STREAMS) for each in (ask, relay)]
    return [
        Figure("CPU", "of 100,000 events, 20 streams", "s", cpu[0], cpu[1], _GOAL),
        Figure("events", "in a second, 1 stream", "1/s", alone[0], alone[1]),
        Figure("events", "in a second, 20 streams", "1/s", together[0], together[1]),
    ]


def _both(ask: Ask, service: Measured, relay: Ask, floor: Measured) -> tuple[tuple[Ask, Measured], ...]:
    return (ask, service), (relay, floor)


async def _cpu(ask: Ask, process: Measured, shape: Shape) -> float:
    before = process.cpu_seconds
    words, _ = await _stream(ask, shape, _STREAMS)
    return (process.cpu_seconds - before) / words * _PER


async def _rate(ask: Ask, shape: Shape, streams: int) -> float:
    words, seconds = await _stream(ask, shape, streams)
    return words / seconds


async def _stream(ask: Ask, shape: Shape, streams: int) -> tuple[int, float]:
    """Run streams in parallel; return the number of all their events and the duration in seconds."""
    began = time.perf_counter()
    outcomes = await asyncio.gather(*(ask(number, shape) for number in range(streams)))
    seconds = time.perf_counter() - began
    words = sum(outcome.words for outcome in outcomes)
    assert words == shape.events * streams, f"{words} of {shape.events * streams} events came"  # noqa: S101  # nothing can be measured
    return words, seconds
