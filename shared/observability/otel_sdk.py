"""OpenTelemetry's SDK, set up for this process; it is imported only if the settings ask for traces or metrics.

The providers belong to the service and are not the process's global ones. Libraries that record spans by themselves,
with texts of errors or with arguments, use the global ones and so record nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING
from uuid import uuid4

from opentelemetry import propagate
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NoOpTracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry

from shared.domain.version import NAME, version
from shared.observability import logs
from shared.observability.instruments import Instruments
from shared.observability.otel_export import Collector, WatchedMetrics, WatchedSpans, WithoutContent
from shared.observability.spans import Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.sdk.metrics.export import MetricReader

    from shared.observability.measurements import Gauge
    from shared.telemetry_settings import TelemetrySettings

FLUSH_SECONDS = 3.0
"""The longest wait for the collector when the process ends."""
_NO_NAME = "unknown_service"


class Telemetry:
    """The traces and metrics of a process."""

    def __init__(self, settings: TelemetrySettings, environment: str) -> None:
        logs.take_over_loggers()
        if settings.propagators is None:
            # The trace is passed on. A request's baggage may contain anything, and MCP servers are often foreign.
            propagate.set_global_textmap(TraceContextTextMapPropagator())
        resource = _resource(environment)
        collector = Collector()
        readers: list[MetricReader] = []
        self.registry: CollectorRegistry | None = None
        if settings.metrics_address is not None:
            self.registry = CollectorRegistry()
            readers.append(PrometheusMetricReader(scope_info_enabled=False, registry=self.registry))
        if settings.exports_metrics:
            readers.append(PeriodicExportingMetricReader(WatchedMetrics(collector)))
        self._meters = MeterProvider(readers, resource, shutdown_on_exit=False)
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False) if settings.exports_traces else None
        if self._traces is not None:
            self._traces.add_span_processor(WithoutContent())
            self._traces.add_span_processor(BatchSpanProcessor(WatchedSpans(collector)))
        self.tracer_provider = self._traces or NoOpTracerProvider()
        self.meter_provider = self._meters
        instruments = Instruments(self._meters.get_meter(NAME, version()))
        self._instruments = instruments
        self.observer = Observer(self.tracer_provider.get_tracer(NAME, version()), instruments)

    def observe(self, gauges: Iterable[Gauge]) -> None:
        """Read gauges whenever the metrics are collected."""
        self._instruments.observe(gauges)

    async def aclose(self, seconds: float = FLUSH_SECONDS) -> None:
        """Send what is left, for a limited time."""
        closing = [self._meters.shutdown, *([self._traces.shutdown] if self._traces else [])]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*map(_in_daemon, closing))


async def _in_daemon(work: Callable[[], None]) -> None:
    """Run work in a thread that does not keep the process alive, as those of the event loop would."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def run() -> None:
        work()
        # The event loop may have been closed meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="telemetry", daemon=True).start()
    await done.wait()


def _resource(environment: str) -> Resource:
    """Return what the data is about. Every process has an id of its own, because counters of two must not be mixed."""
    found = dict(Resource.create().attributes)
    if str(found.get(SERVICE_NAME, "")).startswith(_NO_NAME):
        del found[SERVICE_NAME]
    ours = {
        SERVICE_NAME: NAME,
        "service.version": version(),
        "service.instance.id": str(uuid4()),
        "deployment.environment.name": environment,
    }
    return Resource({**ours, **found})
