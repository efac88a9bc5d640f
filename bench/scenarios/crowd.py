"""200 streams, started at once and over a minute, and the memory after them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bench.figures import Figure, Goal, percentile
from bench.wire import Shape

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bench.client import Outcome
    from bench.environment import Bench

    Ask = Callable[[int], Awaitable[Outcome]]

_STREAMS = 200
_INTERVAL = 100_000
_FIRST_WORD = Goal(1)
_WHOLE = Goal(1.15)
_FAILURES = Goal(0)


async def measure(bench: Bench) -> list[Figure]:
    """Measure both ways of starting the streams."""
    shape = Shape(30 if bench.is_quick else 150, _INTERVAL)
    minute = 6.0 if bench.is_quick else 60.0
    async with bench.service("300") as service, bench.floor() as floor:
        size = await bench.request_bytes()
        conversations = [await service.conversation() for _ in range(_STREAMS)]

        async def ask(number: int) -> Outcome:
            return await service.ask(conversations[number], shape)

        async def relay(_number: int) -> Outcome:
            return await floor.ask(size, shape)

        figures = []
        for name, spread in (("at once", 0.0), (f"over {minute:g} s", minute)):
            ours, theirs = await _crowd(ask, spread), await _crowd(relay, spread)
            figures += _figures(f"200 streams {name}", ours, theirs, shape)
        await service.measured.settled()
        figures.append(Figure("memory", "after 400 streams", "MiB", service.measured.memory(), floor.measured.memory()))
    return figures


async def _crowd(ask: Ask, spread: float) -> list[Outcome]:
    async def later(number: int) -> Outcome:
        await asyncio.sleep(spread * number / _STREAMS)
        return await ask(number)

    return await asyncio.gather(*(later(number) for number in range(_STREAMS)))


def _figures(name: str, ours: Sequence[Outcome], theirs: Sequence[Outcome], shape: Shape) -> list[Figure]:
    def of(share: float) -> tuple[float, float]:
        first, second = ([each.first_word for each in outcomes] for outcomes in (ours, theirs))
        return percentile(first, share), percentile(second, share)

    def whole(outcomes: Sequence[Outcome]) -> float:
        return percentile((each.whole for each in outcomes), 0.95) / shape.seconds

    def failed(outcomes: Sequence[Outcome]) -> int:
        return sum(not each.is_good or each.words != shape.events for each in outcomes)

    return [
        Figure(name, "first word, p50", "s", *of(0.5)),
        Figure(name, "first word, p95", "s", *of(0.95), _FIRST_WORD),
        Figure(name, "whole, p95 over the ideal", "", whole(ours), whole(theirs), _WHOLE),
        Figure(name, "failures", "", failed(ours), failed(theirs), _FAILURES),
    ]
