"""An OpenTelemetry collector for tests: an HTTP server that decodes what arrives with the protocol's own classes.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self, TypeAlias

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

Value: TypeAlias = "str | int | float | bool | tuple[Value, ...]"

SECONDS = 20


def _value(any_value: AnyValue) -> Value:
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(each) for each in any_value.array_value.values)
    found = getattr(any_value, kind or "string_value")
    assert isinstance(found, str | int | float | bool)
    return found


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as it arrived; ids are hexadecimal, and a root has an empty parent."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    is_error: bool
    attributes: Mapping[str, Value]
    scope: str


@dataclass
class OtlpCollector:
    """Receives spans and metrics; use it as a context manager."""

    status: int = 200
    """The status of every response."""
    spans: list[ReceivedSpan] = field(default_factory=list)
    metrics: dict[str, Metric] = field(default_factory=dict)
    """The last state of each metric."""
    resource: dict[str, Value] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    """Everything that arrived, decompressed."""

    def __enter__(self) -> Self:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.receive(self.path, body)
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Write nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(SECONDS)

    @property
    def url(self) -> str:
        """The address for `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def receive(self, path: str, body: bytes) -> None:
        """Take what a client has sent."""
        self.bodies.append(body)
        if path == "/v1/traces":
            self._receive_spans(ExportTraceServiceRequest.FromString(body))
        elif path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    self.metrics.update({metric.name: metric for metric in scope.metrics})

    def named(self, beginning: str) -> list[ReceivedSpan]:
        """Return the spans whose names begin so, in the order of their arrival."""
        return [span for span in self.spans if span.name.startswith(beginning)]

    def total(self, name: str) -> float:
        """Return the sum of a counter's values, or the number of a histogram's, over all attributes."""
        metric = self.metrics[name]
        if metric.HasField("histogram"):
            return float(sum(point.count for point in metric.histogram.data_points))
        return float(sum(point.as_int or point.as_double for point in metric.sum.data_points))

    def _receive_spans(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            self.resource = _attributes(resource.resource.attributes)
            self.spans.extend(
                ReceivedSpan(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.kind,
                    span.status.code == span.status.STATUS_CODE_ERROR,
                    _attributes(span.attributes),
                    scope.scope.name,
                )
                for scope in resource.scope_spans
                for span in scope.spans
            )
