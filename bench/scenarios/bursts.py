"""Bursts of 200, 300 and 500 answers that begin at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bench.figures import Figure, Goal, percentile
from bench.wire import Shape

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bench.client import Outcome
    from bench.environment import Bench

_SIZES = (200, 300, 500)
_SHAPE = Shape(3)
_NONE_LOST = Goal(0)
_FIRST_WORD = {200: Goal(1)}
_CALM_MESSAGES = 40


async def measure(bench: Bench) -> list[Figure]:
    """Begin all answers of a burst at once, at the service and at the relay in turn."""
    figures = []
    async with bench.service("300") as service, bench.floor() as floor:
        size = await bench.request_bytes()
        conversations = [await service.conversation() for _ in range(max(_SIZES))]

        for count in _SIZES:
            before = service.measured.cpu_seconds, floor.measured.cpu_seconds
            answers = await _burst(count, lambda number: service.ask(conversations[number], _SHAPE))
            copies = await _burst(count, lambda _number: floor.ask(size, _SHAPE))
            spent = service.measured.cpu_seconds - before[0], floor.measured.cpu_seconds - before[1]
            figures += _figures(count, answers, copies, spent)
            await service.measured.settled()
        before = service.measured.cpu_seconds, floor.measured.cpu_seconds
        for number in range(_CALM_MESSAGES):
            await service.ask(conversations[number], _SHAPE)
            await floor.ask(size, _SHAPE)
        spent = service.measured.cpu_seconds - before[0], floor.measured.cpu_seconds - before[1]
    ours, theirs = (seconds / _CALM_MESSAGES * 1000 for seconds in spent)
    return [*figures, Figure("burst", "CPU of a message afterwards", "ms", ours, theirs)]


async def _burst(count: int, ask: Callable[[int], Awaitable[Outcome]]) -> list[Outcome]:
    return await asyncio.gather(*(ask(number) for number in range(count)))


def _figures(
    count: int, ours: Sequence[Outcome], theirs: Sequence[Outcome], spent: tuple[float, float]
) -> list[Figure]:
    def first_word(share: float) -> tuple[float, float]:
        first, second = ([each.first_word for each in outcomes] for outcomes in (ours, theirs))
        return percentile(first, share), percentile(second, share)

    name = f"burst of {count}"
    lost = [sum(not each.is_good for each in outcomes) for outcomes in (ours, theirs)]
    return [
        Figure(name, "lost", "", lost[0], lost[1], _NONE_LOST),
        Figure(name, "first word, p50", "s", *first_word(0.5)),
        Figure(name, "first word, p95", "s", *first_word(0.95), _FIRST_WORD.get(count)),
        Figure(name, "CPU of an answer", "ms", spent[0] / count * 1000, spent[1] / count * 1000),
    ]
