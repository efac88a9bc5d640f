"""The spans of answers, model requests and tool calls, with their metrics; they contain nothing that anybody said.

If no observer is bound, as without OpenTelemetry, nothing is recorded. Only OpenTelemetry's API is imported here.
https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-agent-spans.md
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind, StatusCode

from shared.domain.version import NAME
from shared.observability import logs, semantics
from shared.observability.answer_calls import NO_NAME, shown_name
from shared.observability.instruments import all_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opentelemetry.trace import Span, Tracer

    from shared.domain.models import Usage
    from shared.observability.instruments import Instruments
    from shared.observability.metrics import AnswerReport

STOPPED = "stopped"
"""The error type of what was ended before its end."""
_UNKNOWN_TOOL = "unknown_tool"


@dataclass(frozen=True, slots=True)
class Observer:
    """The destinations of the spans and the metrics of a process."""

    tracer: Tracer
    instruments: Instruments


_observer: ContextVar[Observer | None] = ContextVar("observer", default=None)


def bind(observer: Observer | None) -> None:
    """Set the observer of this task and of the tasks that it starts."""
    _observer.set(observer)


def current() -> Observer | None:
    """Return the observer of this task."""
    return _observer.get()


@contextmanager
def answer() -> Iterator[Callable[[AnswerReport], None]]:
    """Record the answer that the body gives; call the yielded function once, with its report."""
    observer = _observer.get()
    if observer is None:
        yield lambda _report: None
        return
    attributes = {semantics.OPERATION_NAME: "invoke_agent", semantics.AGENT_NAME: NAME, **conversation()}
    with _current(observer, f"invoke_agent {NAME}", SpanKind.INTERNAL, attributes) as span:

        def finish(report: AnswerReport) -> None:
            if report.is_replay:
                span.set_attribute("imbi_assistant.is_replay", value=True)
                return
            observer.instruments.record_answer(report)
            span.set_attributes(
                {
                    semantics.REQUEST_MODEL: report.model,
                    **usage_attributes(report.usage),
                    "imbi_assistant.outcome": report.outcome,
                    "imbi_assistant.rounds": report.rounds,
                    "imbi_assistant.tool_calls": report.tool_calls,
                }
            )
            if report.is_failure:
                fail(span, report.outcome)

        yield finish


@contextmanager
def tool_call(name: str, call_id: str) -> Iterator[Callable[[str], None]]:
    """Record a tool call that the body makes; call the yielded function with the code of its error, or an empty text.

    Requests that the body sends have this span as their parent.
    """
    observer = _observer.get()
    if observer is None:
        yield lambda _code: None
        return
    began = time.perf_counter()
    shown = {semantics.TOOL_NAME: shown_name(name)}
    attributes = {
        semantics.OPERATION_NAME: "execute_tool",
        **shown,
        semantics.TOOL_CALL_ID: shown_name(call_id),
        semantics.TOOL_TYPE: "function",
    }
    codes: list[str] = []
    with _current(observer, f"execute_tool {shown_name(name)}", SpanKind.INTERNAL, attributes) as span:
        try:
            yield codes.append
        finally:
            code = codes[-1] if codes else STOPPED
            if code == _UNKNOWN_TOOL:
                # Only the model wrote this name.
                shown[semantics.TOOL_NAME] = NO_NAME
                span.update_name(f"execute_tool {NO_NAME}")
                span.set_attribute(semantics.TOOL_NAME, NO_NAME)
            if code:
                fail(span, code)
                shown[semantics.ERROR_TYPE] = code
            observer.instruments.record_tool(shown, time.perf_counter() - began)


def fail(span: Span, error_type: str) -> None:
    """Mark a span as failed, with the code of the error."""
    span.set_attribute(semantics.ERROR_TYPE, error_type)
    span.set_status(StatusCode.ERROR)


def conversation() -> dict[str, str]:
    """Return the attribute with the conversation of this task, if it has one."""
    found = logs.bound().get("conversation_id")
    return {} if found is None else {semantics.CONVERSATION_ID: found}


def usage_attributes(usage: Usage) -> dict[str, int]:
    """Return the attributes for numbers of tokens; the input includes the tokens of the cache."""
    return {
        semantics.USAGE_INPUT: all_input(usage),
        semantics.USAGE_OUTPUT: usage.output_tokens,
        semantics.USAGE_CACHE_READ: usage.cache_read_input_tokens,
        semantics.USAGE_CACHE_WRITE: usage.cache_creation_input_tokens,
    }


@contextmanager
def _current(observer: Observer, name: str, kind: SpanKind, attributes: Mapping[str, str]) -> Iterator[Span]:
    """Begin a span and make it the current one. The texts of exceptions are not recorded."""
    with observer.tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span
