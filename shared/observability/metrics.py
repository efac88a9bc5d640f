"""What an answer was like, measured beside its events: written as a log line, and to whoever else wants it.

meter = AnswerMeter()
…  meter.note(event)            # each event, as it is emitted
…  meter.finish()               # once, when the answer is over: one line in the log, and a report to every sink
"""

from __future__ import annotations

import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from shared.domain.events import AnswerFailed, AnswerStored, BlockFinished, ToolFinished
from shared.domain.models import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from shared.domain.events import AnswerEvent

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """One answer in numbers; times are in milliseconds from the question's arrival."""

    outcome: str
    """The stop reason of a stored answer, else the error's code."""
    is_failure: bool
    first_event_ms: float | None
    duration_ms: float
    tool_calls: int
    tool_errors: int
    rounds: int
    usage: Usage


class Sink(Protocol):
    """Takes reports."""

    def answered(self, report: AnswerReport) -> None:
        """Take the report of an answer that is over."""
        ...


class Tracer(Protocol):
    """Shows where time goes."""

    def section(self, name: str) -> AbstractContextManager[object]:
        """Mark a section of the work."""
        ...


_sinks: ContextVar[tuple[Sink, ...]] = ContextVar("telemetry_sinks", default=())


def send_to(*sinks: Sink) -> None:
    """Have the reports of this task, and of those that it begins, go to these sinks."""
    _sinks.set(sinks)


@dataclass(slots=True)
class AnswerMeter:
    """Measures one answer."""

    _began: float = field(default_factory=time.perf_counter)
    _first_event: float | None = None
    _tool_calls: int = 0
    _tool_errors: int = 0
    _rounds: int = 0
    _is_in_tools: bool = False
    _end: AnswerStored | AnswerFailed | None = None

    def note(self, event: AnswerEvent) -> None:
        """Count an event."""
        if self._first_event is None:
            self._first_event = time.perf_counter()
        match event:
            case ToolFinished(is_error=is_error):
                self._tool_calls += 1
                self._tool_errors += is_error
                # The tools of one reply are one round.
                self._rounds += not self._is_in_tools
                self._is_in_tools = True
            case BlockFinished():
                self._is_in_tools = False
            case AnswerStored() | AnswerFailed():
                self._end = event
            case _:
                pass

    def finish(self) -> AnswerReport:
        """Report the answer, to the log and to every sink."""
        report = self._report()
        log.info("answered: %s", _told(report))
        for sink in _sinks.get():
            sink.answered(report)
        return report

    def _report(self) -> AnswerReport:
        end = self._end
        outcome = end.stop_reason if isinstance(end, AnswerStored) else end.code if end else "interrupted"
        return AnswerReport(
            outcome=outcome,
            is_failure=not isinstance(end, AnswerStored),
            first_event_ms=None if self._first_event is None else (self._first_event - self._began) * 1000,
            duration_ms=(time.perf_counter() - self._began) * 1000,
            tool_calls=self._tool_calls,
            tool_errors=self._tool_errors,
            rounds=self._rounds,
            usage=end.usage if end else Usage(),
        )


def _told(report: AnswerReport) -> str:
    return " ".join(_facts(report))


def _facts(report: AnswerReport) -> Iterator[str]:
    yield f"outcome={report.outcome}"
    if report.first_event_ms is not None:
        yield f"first_event={report.first_event_ms:.0f}ms"
    yield f"duration={report.duration_ms:.0f}ms"
    yield f"rounds={report.rounds} tools={report.tool_calls} tool_errors={report.tool_errors}"
    usage = report.usage
    yield f"input={usage.input_tokens} output={usage.output_tokens}"
    yield f"cache_read={usage.cache_read_input_tokens} cache_write={usage.cache_creation_input_tokens}"
