"""OpenTelemetry's exporters, whose failures cost one line in the log and nothing else."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan, Span

log = logging.getLogger(__name__)

_HTTP_SCOPE = "fastapi"
_SHOWN = frozenset(
    {"http.request.method", "http.route", "network.protocol.version", "server.address", "server.port", "url.scheme"}
)
"""The attributes of a span for a request that contain nothing of a user: the others may be words of a search."""
_HIDDEN = "REDACTED"


@dataclass(slots=True)
class Collector:
    """The state of the collector, which the exporters share, so that its failure is logged once."""

    is_away: bool = False

    def note(self, *, is_reached: bool) -> None:
        """Note the end of an export."""
        if self.is_away == is_reached:
            self.is_away = not is_reached
            if is_reached:
                log.info("the OpenTelemetry collector is reached again")
            else:
                log.warning("the OpenTelemetry collector cannot be reached; traces and metrics are lost meanwhile")


class WatchedSpans(SpanExporter):
    """Exports spans as the standard variables say."""

    def __init__(self, collector: Collector) -> None:
        self._exporter = OTLPSpanExporter()
        self._collector = collector

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export spans."""
        result = self._exporter.export(spans)
        self._collector.note(is_reached=result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """Close the connections."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


class WatchedMetrics(MetricExporter):
    """Exports metrics as the standard variables say."""

    def __init__(self, collector: Collector) -> None:
        self._exporter = OTLPMetricExporter()
        self._collector = collector
        super().__init__(self._exporter._preferred_temporality, self._exporter._preferred_aggregation)  # noqa: SLF001  # the reader asks its exporter for them, and there is no other way

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        """Export metrics."""
        result = self._exporter.export(metrics_data, timeout_millis, **kwargs)
        self._collector.note(is_reached=result is MetricExportResult.SUCCESS)
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is buffered here."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """Close the connections."""
        self._exporter.shutdown(timeout_millis, **kwargs)


class WithoutContent(SpanProcessor):
    """Hides what a request's span would tell of the user, such as the words of a search in the query."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002  # OpenTelemetry's interface
        """Replace the values of attributes before they are exported."""
        scope = span.instrumentation_scope
        if scope is None or scope.name != _HTTP_SCOPE:
            return
        for name in set(span.attributes or {}) - _SHOWN:
            span.set_attribute(name, _HIDDEN)
