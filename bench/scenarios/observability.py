"""The cost of logs, traces and metrics: the CPU time of the same answers with each of them on, and with none."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx2

from bench.environment import free_port
from bench.figures import Figure, Goal
from bench.wire import Shape
from tests.support.otlp_collector import OtlpCollector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from bench.environment import Bench, Service

_STREAMS = 20
_INTERVAL = 10_000
"""The microseconds between two events of a stream, as of a fast model."""
_PER = 100_000
_SHORT = Shape(5)
_SCRAPE_SECONDS = 5.0
_GOAL = Goal(1.05, "ratio")
_NONE = "none"


@dataclass(slots=True)
class _Variant:
    """A running service, its conversations, and the CPU time of its rounds."""

    service: Service
    conversations: list[str]
    long: list[float] = field(default_factory=list)
    """The CPU seconds of 100,000 events."""
    short: list[float] = field(default_factory=list)
    """The CPU milliseconds of a short answer."""


async def measure(bench: Bench) -> list[Figure]:
    """Measure rounds of long and short answers in turn, so that other work on the machine meets all alike."""
    rounds, events, answers = (2, 300, 20) if bench.is_quick else (7, 800, 100)
    with OtlpCollector() as collector:
        async with AsyncExitStack() as stack:
            variants = {
                name: await stack.enter_async_context(_variant(bench, changes))
                for name, changes in _settings(collector.url).items()
            }
            for number in range(rounds):
                # Every other round goes backward, so that a load that grows meets all alike.
                for variant in list(variants.values())[:: 1 if number % 2 else -1]:
                    variant.long.append(await _long(variant, Shape(events, _INTERVAL)))
                    variant.short.append(await _short(variant, answers))
    base = variants.pop(_NONE)
    return [
        figure
        for name, variant in variants.items()
        for figure in (
            _figure(f"CPU of 100,000 events, {name}", "s", variant.long, base.long),
            _figure(f"CPU of a short answer, {name}", "ms", variant.short, base.short, None),
        )
    ]


def _settings(collector: str) -> Mapping[str, Mapping[str, str]]:
    telemetry = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_METRIC_EXPORT_INTERVAL": "5000"}
    return {
        _NONE: {"LOG_LEVEL": "ERROR"},
        "logs": {"LOG_LEVEL": "INFO"},
        "Prometheus": {"LOG_LEVEL": "ERROR", "IMBI_ASSISTANT_METRICS_ADDRESS": f"127.0.0.1:{free_port()}"},
        "OpenTelemetry": {"LOG_LEVEL": "ERROR", **telemetry},
        "all": {"LOG_LEVEL": "INFO", "IMBI_ASSISTANT_METRICS_ADDRESS": f"127.0.0.1:{free_port()}", **telemetry},
    }


@asynccontextmanager
async def _variant(bench: Bench, changes: Mapping[str, Any]) -> AsyncIterator[_Variant]:
    async with bench.service("0", **changes) as service:
        conversations = [await service.conversation() for _ in range(_STREAMS)]
        address = changes.get("IMBI_ASSISTANT_METRICS_ADDRESS")
        scraping = asyncio.create_task(_scrape(address)) if address else None
        try:
            yield _Variant(service, conversations)
        finally:
            if scraping is not None:
                scraping.cancel()
                await asyncio.wait({scraping})


async def _scrape(address: str) -> None:
    async with httpx2.AsyncClient() as client:
        while True:
            (await client.get(f"http://{address}/metrics")).raise_for_status()
            await asyncio.sleep(_SCRAPE_SECONDS)


async def _long(variant: _Variant, shape: Shape) -> float:
    service = variant.service
    before = service.measured.cpu_seconds
    outcomes = await asyncio.gather(*(service.ask(each, shape) for each in variant.conversations))
    return (service.measured.cpu_seconds - before) / sum(outcome.words for outcome in outcomes) * _PER


async def _short(variant: _Variant, answers: int) -> float:
    service = variant.service
    conversation = await service.conversation()
    before = service.measured.cpu_seconds
    for number in range(answers):
        # A conversation takes a hundred questions.
        conversation = conversation if number % _STREAMS else await service.conversation()
        assert (await service.ask(conversation, _SHORT)).is_good  # noqa: S101  # nothing can be measured otherwise
    return (service.measured.cpu_seconds - before) / answers * 1000


def _figure(name: str, unit: str, ours: list[float], base: list[float], goal: Goal | None = _GOAL) -> Figure:
    """Return the median of the rounds' ratios, times the median without any of it."""
    ratio = median(mine / other for mine, other in zip(ours, base, strict=True))
    without = median(base)
    return Figure("observability", name, unit, ratio * without, without, goal)
