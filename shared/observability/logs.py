"""Log lines with their request, user and conversation: as text for a terminal, and as JSON otherwise."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING

from shared.observability.json_lines import JsonFormatter
from shared.observability.log_privacy import private
from shared.observability.text_lines import TextFormatter

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "imbi-assistant"
_VERBOSE = (
    "httpx2",
    "httpcore2",
    "mcp",
    "fastmcp",
    "anthropic",
    "psycopg",
    "uvicorn.access",
    "mangum",
    "botocore",
    "boto3",
    "urllib3",
)
"""Libraries that make a record of every request; below WARNING, these records are not even made."""
_NOISY = ("mcp.client", "opentelemetry")
"""Libraries that log a line or a stack trace for every error of another server. Our own lines report these errors."""

_context: ContextVar[Mapping[str, str] | None] = ContextVar("log_context", default=None)
_xray: ContextVar[str] = ContextVar("xray_trace_id", default="")


def bind_invocation(trace: str) -> None:
    """Add the id of an X-Ray trace to all later log lines of this task and of the tasks that it starts.

    `trace` has the form of AWS's tracing header, `Root=1-…;Parent=…;Sampled=1`, or is empty. A new request does not
    remove the id.
    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    parts = (part.strip() for part in trace.split(";"))
    _xray.set(next((part.removeprefix("Root=") for part in parts if part.startswith("Root=")), ""))


def bind(**fields: str) -> None:
    """Add context fields to all later log lines of this task and of the tasks that it starts."""
    _context.set({**(_context.get() or {}), **fields})


def unbind() -> None:
    """Remove all context fields, before a new request."""
    _context.set(None)


def bound() -> Mapping[str, str]:
    """Return the context fields of this task."""
    return _context.get() or {}


def set_up_logging(level: str, form: str | None = None) -> bool:
    """Log to standard error, from the given level; an unknown level counts as INFO. Return whether lines are JSON.

    The form is `text` or `json`. Without it, lines are text if standard error is a terminal, and JSON otherwise.
    """
    is_json = form == "json" or (form != "text" and not sys.stderr.isatty())
    _set_up(JsonFormatter(SERVICE) if is_json else TextFormatter(), level)
    return is_json


def set_up_json_logging(level: str, service: str) -> None:
    """Log as JSON, from the given level."""
    _set_up(JsonFormatter(service), level)


def take_over_loggers() -> None:
    """Remove the handlers of all other loggers, so that every record passes the handler of this module.

    Some libraries install handlers when they are imported.
    """
    for logger in [*logging.getLogger().manager.loggerDict.values()]:
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True
    for name in _VERBOSE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class PrivateHandler(logging.StreamHandler):  # type: ignore[type-arg]  # its stream is replaced in tests
    """Writes records to standard error without what users, models and tools said."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record with the context fields, as far as it may be written."""
        shown = private(record)
        if shown is None:
            return
        for name, value in bound().items():
            setattr(shown, name, value)
        if trace := _xray.get():
            shown.xray_trace_id = trace
        super().emit(shown)


def _set_up(formatter: logging.Formatter, level: str) -> None:
    handler = PrivateHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for each in [*root.handlers]:
        root.removeHandler(each)
    root.addHandler(handler)
    root.setLevel(level if level in logging.getLevelNamesMapping() else "INFO")
    take_over_loggers()
