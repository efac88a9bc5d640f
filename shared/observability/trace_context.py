"""The trace context of a request (W3C Trace Context), passed on to the Imbi API.

With OpenTelemetry, it is that of the current span. Otherwise the service records no spans, so it forwards the caller's
context as it is, or begins a trace of its own.
https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

from opentelemetry import trace

from shared.util.patterns import bounded

_TRACEPARENT = bounded(
    r"(?P<version>[0-9a-f]{2})-(?P<fields>[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?P<more>-.*)?", limit=512
)
_NO_TRACE = "0" * 32 + "-"
_NO_PARENT = "-" + "0" * 16 + "-"
_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The values of the headers `traceparent` and `tracestate`; the latter may be empty."""

    parent: str
    state: str = ""

    @property
    def trace_id(self) -> str:
        """The id of the trace, in hexadecimal digits."""
        return self.parent.split("-")[1]


_current: ContextVar[TraceContext | None] = ContextVar("trace_context", default=None)


def bind(context: TraceContext) -> None:
    """Set the trace context of this task and of the tasks that it starts."""
    _current.set(context)


def current() -> TraceContext:
    """Return the trace context of this task: that of its span, or of its request, or a new one outside of both."""
    return of_span() or _current.get() or begin()


def of_span() -> TraceContext | None:
    """Return the trace context of the current span; None without OpenTelemetry."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    parent = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    return TraceContext(parent, span.trace_state.to_header())


def begin() -> TraceContext:
    """Begin a trace that is not sampled."""
    return TraceContext(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00")


def received(parents: list[str], states: list[str]) -> TraceContext:
    """Return the context of the headers that a request came with; begin a trace if they have no valid one."""
    found = _TRACEPARENT.fullmatch(parents[0].strip()) if len(parents) == 1 else None
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found["more"]):
        return begin()
    fields = found["fields"]
    if fields.startswith(_NO_TRACE) or _NO_PARENT in fields:
        return begin()
    state = ",".join(states)
    return TraceContext(f"00-{fields}", state if _TRACESTATE.fullmatch(state) else "")
