"""Metrics of an answer, computed from its events: one log line, and a report to every sink.

metrics = AnswerMetrics()
metrics.record(event)        # for each event
report = metrics.finish()    # once, when the answer has ended
"""

from __future__ import annotations

import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Protocol

from shared.domain.events import AnswerFailed, AnswerStored
from shared.domain.models import Usage
from shared.observability import logs
from shared.observability.answer_calls import AnswerCalls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.domain.events import AnswerEvent
    from shared.observability.answer_calls import ReportedCall

log = logging.getLogger(__name__)

_MOST_CALLS = 100
"""The number of calls that a log line names."""


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """The metrics of one answer; times are in milliseconds since the question arrived."""

    outcome: str
    """The stop reason of a stored answer, or the error's code, or `interrupted`."""
    is_failure: bool
    first_event_ms: float | None
    duration_ms: float
    tool_calls: int
    tool_errors: int
    rounds: int
    usage: Usage
    model: str = ""
    message_id: str = ""
    """The id of the stored answer; empty if the answer failed."""
    calls: tuple[ReportedCall, ...] = ()
    is_replay: bool = False
    """The stored answer of a repeated question was sent again. It is logged, and counts in no metric."""


_REPORTED = tuple(each.name for each in fields(AnswerReport))
_COUNTED = tuple(each.name for each in fields(Usage))


class Sink(Protocol):
    """A destination of reports, such as CloudWatch."""

    def record_answer(self, report: AnswerReport) -> None:
        """Record the report of an answer that has ended."""
        ...


_sinks: ContextVar[tuple[Sink, ...]] = ContextVar("metrics_sinks", default=())


def set_sinks(*sinks: Sink) -> None:
    """Set the sinks for the reports of this task and of the tasks that it starts."""
    _sinks.set(sinks)


@dataclass(slots=True)
class AnswerMetrics:
    """Computes the metrics of one answer; create it when the question arrives."""

    is_replay: bool = False
    _began: float = field(default_factory=time.perf_counter)
    _first_event: float | None = None
    _ended: float | None = None
    _calls: AnswerCalls = field(default_factory=AnswerCalls)
    _model: str = field(default_factory=lambda: logs.bound().get("model", ""))
    _end: AnswerStored | AnswerFailed | None = None

    def record(self, event: AnswerEvent) -> None:
        """Record one event."""
        if self._first_event is None:
            self._first_event = time.perf_counter()
        self._calls.follow(event)
        if isinstance(event, AnswerStored | AnswerFailed):
            self._end = event
            self._ended = time.perf_counter()

    def finish(self) -> AnswerReport:
        """Write the report to the log and to every sink, and return it."""
        report = self._report()
        if log.isEnabledFor(logging.INFO):
            log.info("answered: %s", " ".join(_log_fields(report)), extra=_json_fields(report))
        for sink in () if report.is_replay else _sinks.get():
            sink.record_answer(report)
        return report

    def _report(self) -> AnswerReport:
        end = self._end
        outcome = end.stop_reason if isinstance(end, AnswerStored) else end.code if end else "interrupted"
        return AnswerReport(
            outcome=outcome,
            is_failure=not isinstance(end, AnswerStored),
            first_event_ms=None if self._first_event is None else (self._first_event - self._began) * 1000,
            duration_ms=((self._ended or time.perf_counter()) - self._began) * 1000,
            tool_calls=len(self._calls.calls),
            tool_errors=self._calls.errors,
            rounds=self._calls.rounds,
            usage=end.usage if end else Usage(),
            model=self._model,
            message_id=str(end.message_id) if isinstance(end, AnswerStored) else "",
            calls=self._calls.calls,
            is_replay=self.is_replay,
        )


def _log_fields(report: AnswerReport) -> Iterator[str]:
    yield f"outcome={report.outcome}"
    if report.is_replay:
        yield "replay=yes"
    if report.model:
        yield f"model={report.model}"
    if report.message_id:
        yield f"message={report.message_id}"
    if report.first_event_ms is not None:
        yield f"first_event={report.first_event_ms:.0f}ms"
    yield f"duration={report.duration_ms:.0f}ms"
    yield f"rounds={report.rounds} tools={report.tool_calls} tool_errors={report.tool_errors}"
    if report.calls:
        yield f"calls={','.join(map(str, report.calls[:_MOST_CALLS]))}"
    usage = report.usage
    yield f"input={usage.input_tokens} output={usage.output_tokens}"
    yield f"cache_read={usage.cache_read_input_tokens} cache_write={usage.cache_creation_input_tokens}"


def _json_fields(report: AnswerReport) -> dict[str, object]:
    """Return the values of the line as fields, for programs. Its usage becomes one object."""
    values = {name: getattr(report, name) for name in _REPORTED}
    values["calls"] = [str(call) for call in report.calls]
    values["usage"] = {name: getattr(report.usage, name) for name in _COUNTED}
    return {name: round(value) if isinstance(value, float) else value for name, value in values.items()}
