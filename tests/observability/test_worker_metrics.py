"""The metrics of several workers in one response."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import httpx2
import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from shared.domain.models import Usage
from shared.http.metrics_server import serving_metrics
from shared.http.server import bind
from shared.http.worker_metrics import WorkerMetrics
from shared.observability.instruments import Instruments
from shared.observability.metrics import AnswerReport

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from prometheus_client.registry import Collector


def collecting(collector: Collector) -> Callable[[], Coroutine[None, None, Collector]]:
    async def collect() -> Collector:
        return collector

    return collect


def registry_with(answers: int) -> CollectorRegistry:
    registry = CollectorRegistry()
    meters = MeterProvider([PrometheusMetricReader(scope_info_enabled=False, registry=registry)])
    instruments = Instruments(meters.get_meter("test"))
    for _ in range(answers):
        instruments.record_answer(
            AnswerReport("end_turn", False, 5.0, 100.0, 0, 0, 0, Usage(1, 2), model="claude-sonnet-5")  # noqa: FBT003  # the fields in their order
        )
    return registry


async def get(listening: socket.socket, path: str = "/metrics") -> httpx2.Response:
    async with httpx2.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{listening.getsockname()[1]}{path}")


@pytest.mark.proves("telemetry.prometheus")
async def test_every_series_has_its_worker_and_a_dead_worker_is_told() -> None:
    async with AsyncExitStack() as stack:
        sockets = [stack.enter_context(bind("127.0.0.1", 0)) for _ in range(3)]
        joined = stack.enter_context(bind("127.0.0.1", 0))
        for number, answers in enumerate((2, 5)):
            collect = collecting(registry_with(answers))
            await stack.enter_async_context(serving_metrics(sockets[number], collect))
        workers = WorkerMetrics(sockets)
        sockets[2].close()
        await stack.enter_async_context(serving_metrics(joined, workers.collect))
        scraped = await get(joined)
        nothing_else = await get(joined, "/conversations")
    families = {family.name: family for family in text_string_to_metric_families(scraped.text)}
    answers_of = {each.labels["worker"]: each.value for each in families["imbi_assistant_answers"].samples}
    assert answers_of == {"0": 2, "1": 5}
    up = {each.labels["worker"]: each.value for each in families["imbi_assistant_worker_up"].samples}
    assert up == {"0": 1, "1": 1, "2": 0}
    # What has not happened yet is a zero from the first answer on, so that its increase can be seen.
    assert [each.value for each in families["imbi_assistant_failures"].samples] == [0, 0]
    assert {each.labels["worker"]: each.value for each in families["imbi_assistant_output_tokens"].samples} == {
        "0": 4,
        "1": 10,
    }
    assert families["imbi_assistant_duration_seconds"].type == "histogram"
    assert scraped.text.count("# TYPE imbi_assistant_duration_seconds ") == 1
    assert nothing_else.status_code == 404
