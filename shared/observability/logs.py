"""Log lines with their request, user and conversation: as text for a terminal, as JSON under AWS Lambda."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_VERBOSE = ("httpx2", "httpcore2", "mcp", "fastmcp", "uvicorn.access", "mangum", "botocore", "boto3", "urllib3")
"""Libraries that log every request with its URL, which may contain a secret."""
_NOISY = ("mcp.client",)
"""Libraries that log a stack trace for every error of an external server. Our own lines report these errors."""
_FIELDS = ("request_id", "user", "conversation_id")
"""The context fields that a terminal shows, in this order."""
_SHORT_ID_LENGTH = 8
"""The number of characters of an id that a terminal shows."""

_context: ContextVar[Mapping[str, str] | None] = ContextVar("log_context", default=None)


def bind(**fields: str) -> None:
    """Add context fields to all later log lines of this task and of the tasks that it starts."""
    _context.set({**(_context.get() or {}), **fields})


def unbind() -> None:
    """Remove all context fields, before a new request."""
    _context.set(None)


def bound() -> Mapping[str, str]:
    """Return the context fields of this task."""
    return _context.get() or {}


def set_up_logging(level: str) -> None:
    """Log as text for a terminal, from the given level; an unknown level counts as INFO."""
    _set_up(_TerminalFormatter(_FORMAT), level)


def set_up_json_logging(level: str, service: str) -> None:
    """Log as JSON, from the given level, in the format of Powertools' Logger.

    https://docs.aws.amazon.com/powertools/python/latest/core/logger/
    """
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter  # noqa: PLC0415  # only Lambda needs it

    _set_up(LambdaPowertoolsFormatter(use_rfc3339=True, utc=True, service=service, name="%(name)s"), level)


class _TerminalFormatter(logging.Formatter):
    """Appends the context fields to each line, with shortened ids."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        fields = {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        context = " ".join(f"{name.removesuffix('_id')}={_shortened(name, value)}" for name, value in fields.items())
        line = super().formatMessage(record)
        return f"{line}  [{context}]" if context else line


def _set_up(formatter: logging.Formatter, level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    handler.addFilter(_add_context)
    root = logging.getLogger()
    for each in [*root.handlers]:
        root.removeHandler(each)
    root.addHandler(handler)
    root.setLevel(level if level in logging.getLevelNamesMapping() else "INFO")
    for name in _VERBOSE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _add_context(record: logging.LogRecord) -> bool:
    """Copy the context fields to the record, for both formatters."""
    for name, value in bound().items():
        setattr(record, name, value)
    return True


def _shortened(name: str, value: str) -> str:
    return value[:_SHORT_ID_LENGTH] if name.endswith("_id") else value
