"""The time until the first word, and the CPU time of a message, with 0, 40 and 300 tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.figures import Figure, Goal, percentile
from bench.wire import Shape

if TYPE_CHECKING:
    from bench.client import Outcome
    from bench.environment import Bench, Floor, Service

_WARM_UPS = 5
_SHAPE = Shape(3)
_GOALS = {"300": Goal(10, "ratio")}


async def measure(bench: Bench) -> list[Figure]:
    """Ask questions one at a time."""
    figures: list[Figure] = []
    async with bench.floor() as floor:
        for tools in ("0", "40", "300"):
            async with bench.service(tools) as service:
                figures += await _with_tools(bench, service, floor, tools)
    return figures


async def _with_tools(bench: Bench, service: Service, floor: Floor, tools: str) -> list[Figure]:
    count = 10 if bench.is_quick else 60
    await _asked(bench, service, floor, await _conversations(service, _WARM_UPS))
    conversations = await _conversations(service, count)
    cpu = service.measured.cpu_seconds, floor.measured.cpu_seconds
    ours, theirs = await _asked(bench, service, floor, conversations)
    spent = service.measured.cpu_seconds - cpu[0], floor.measured.cpu_seconds - cpu[1]
    figures = [
        Figure(
            "first word",
            f"{tools} tools, {name}",
            "ms",
            _milliseconds(ours, share),
            _milliseconds(theirs, share),
            _GOALS.get(tools),
        )
        for name, share in (("p50", 0.5), ("p95", 0.95))
    ]
    figures.append(
        Figure("CPU", f"of a message, {tools} tools", "ms", spent[0] / count * 1000, spent[1] / count * 1000)
    )
    return figures


async def _conversations(service: Service, count: int) -> list[str]:
    return [await service.conversation() for _ in range(count)]


async def _asked(
    bench: Bench, service: Service, floor: Floor, conversations: list[str]
) -> tuple[list[Outcome], list[Outcome]]:
    """Ask the service and the relay alternately, so that other load on the machine affects both."""
    ours, theirs = [], []
    for conversation_id in conversations:
        ours.append(await service.ask(conversation_id, _SHAPE))
        theirs.append(await floor.ask(await bench.request_bytes(), _SHAPE))
    assert all(outcome.is_good for outcome in ours + theirs)  # noqa: S101  # nothing can be measured
    return ours, theirs


def _milliseconds(outcomes: list[Outcome], share: float) -> float:
    return percentile((outcome.first_word for outcome in outcomes), share) * 1000
