"""The instruments of OpenTelemetry for the service's metrics (https://opentelemetry.io/docs/specs/otel/metrics/api/)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation

from shared.observability import semantics
from shared.observability.measurements import MEASUREMENTS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter

    from shared.domain.models import Usage
    from shared.observability.measurements import Gauge
    from shared.observability.metrics import AnswerReport

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""The bounds that the conventions name for durations of GenAI operations."""
_ANSWER_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0)
_TOKENS = tuple(4.0**power for power in range(14))
"""The bounds that the conventions name for tokens: 1, 4, 16, …"""
_PER_SECOND = 1000


class Instruments:
    """The instruments of one process."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._recorded: set[tuple[str, str]] = set()
        self._counters: dict[str, Counter] = {}
        self._times: dict[str, Histogram] = {}
        for each in MEASUREMENTS:
            name = f"{PREFIX}.{each.name}"
            if each.unit == "ms":
                self._times[each.name] = self._histogram(name, "s", each.meaning, _ANSWER_SECONDS)
            else:
                self._counters[each.name] = meter.create_counter(name, each.unit, each.meaning)
        self._operations = self._histogram(semantics.OPERATION_DURATION, "s", "Duration of model requests", _SECONDS)
        self._first_chunks = self._histogram(
            semantics.OPERATION_TIME_TO_FIRST_CHUNK, "s", "Time to the first event of a model's reply", _SECONDS
        )
        self._tokens = self._histogram(
            semantics.TOKEN_USAGE, "{token}", "Tokens of one model request, with those of the cache", _TOKENS
        )
        self._tools = self._histogram(semantics.EXECUTE_TOOL_DURATION, "s", "Duration of tool calls", _SECONDS)

    def record_answer(self, report: AnswerReport) -> None:
        """Record the report of an answer.

        A zero is added to a sum only once, so that its series exists: each addition costs several microseconds.
        """
        series = (report.outcome, report.model)
        is_new = series not in self._recorded
        self._recorded.add(series)
        attributes = {"outcome": report.outcome, semantics.REQUEST_MODEL: report.model}
        for each in MEASUREMENTS:
            value = each.read(report)
            if value is None:
                continue
            if each.name in self._times:
                self._times[each.name].record(value / _PER_SECOND, attributes)
            elif value or is_new:
                self._counters[each.name].add(value, attributes)

    def record_operation(
        self, attributes: Mapping[str, str | int], seconds: float, first_chunk: float | None, usage: Usage
    ) -> None:
        """Record one request to the model, with the seconds to its first event if there was one."""
        self._operations.record(seconds, attributes)
        if first_chunk is not None:
            self._first_chunks.record(first_chunk, attributes)
        for kind, tokens in (("input", all_input(usage)), ("output", usage.output_tokens)):
            if tokens:
                self._tokens.record(tokens, {**attributes, semantics.TOKEN_TYPE: kind})

    def record_tool(self, attributes: Mapping[str, str], seconds: float) -> None:
        """Record one tool call."""
        self._tools.record(seconds, attributes)

    def observe(self, gauges: Iterable[Gauge]) -> None:
        """Read gauges whenever the metrics are collected."""
        for gauge in gauges:
            self._meter.create_observable_gauge(gauge.name, [_observed(gauge)], gauge.unit, gauge.meaning)

    def _histogram(self, name: str, unit: str, meaning: str, bounds: tuple[float, ...]) -> Histogram:
        return self._meter.create_histogram(name, unit, meaning, explicit_bucket_boundaries_advisory=bounds)


def all_input(usage: Usage) -> int:
    """Return the number of all input tokens, with those of the cache, as the conventions count them."""
    return usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens


def _observed(gauge: Gauge) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(_options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, attributes) for value, attributes in gauge.read()]

    return read
