"""Log lines: readable in a terminal, JSON under Lambda, with what they belong to (request, user, conversation)."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_CHATTY = ("httpx2", "httpcore2", "mcp", "fastmcp", "uvicorn.access", "mangum", "botocore", "boto3", "urllib3")
"""Libraries that write a line for every request, with its URL."""
_TALKATIVE = ("mcp.client",)
"""Libraries that write a stack trace for each thing that a stranger's server gets wrong, which our own lines name."""
_FIELDS = ("request_id", "user", "conversation_id")
"""What lines belong to, in the order of a terminal."""
_SHORT = 8
"""Characters of an id that tell it from its neighbours in a terminal."""

_bound: ContextVar[Mapping[str, str] | None] = ContextVar("log_context", default=None)


def bind(**fields: str) -> None:
    """Say what the lines of this task, and of those that it begins, belong to."""
    _bound.set({**(_bound.get() or {}), **fields})


def unbind() -> None:
    """Forget what the lines belong to: a new request begins."""
    _bound.set(None)


def bound() -> Mapping[str, str]:
    """Give what the lines of this task belong to."""
    return _bound.get() or {}


def set_up_logging(level: str) -> None:
    """Write our lines at a level for a terminal, and of the chatty libraries' only what is a warning."""
    _set_up(_TerminalFormatter(_FORMAT), level)


def set_up_json_logging(level: str, service: str) -> None:
    """Write our lines at a level as JSON, as Powertools' Logger has them."""
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter  # noqa: PLC0415  # only Lambda needs it

    _set_up(LambdaPowertoolsFormatter(use_rfc3339=True, utc=True, service=service, name="%(name)s"), level)


class _TerminalFormatter(logging.Formatter):
    """Writes what a line belongs to behind it, in short."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        fields = {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        told = " ".join(f"{name.removesuffix('_id')}={_shortened(name, value)}" for name, value in fields.items())
        line = super().formatMessage(record)
        return f"{line}  [{told}]" if told else line


def _set_up(formatter: logging.Formatter, level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    handler.addFilter(_add_bound)
    root = logging.getLogger()
    for each in [*root.handlers]:
        root.removeHandler(each)
    root.addHandler(handler)
    root.setLevel(level if level in logging.getLevelNamesMapping() else "INFO")
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _add_bound(record: logging.LogRecord) -> bool:
    """Put what a line belongs to on its record, where both formats find it."""
    for name, value in bound().items():
        setattr(record, name, value)
    return True


def _shortened(name: str, value: str) -> str:
    return value[:_SHORT] if name.endswith("_id") else value
