"""Log records without what users, models, tools and servers said.

The lines of this service contain ids, names, numbers and types. The lines of libraries contain whatever a library
likes, at the level DEBUG whole requests with their headers. So a library's line is reduced to its place in the code.
"""

from __future__ import annotations

import logging
import traceback
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

from shared.observability.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""The attributes that any record may have. What it has besides these are fields that the caller added."""
_OWN = ("shared", "functions", "local", "local_server", "cli", "__main__")
"""The top-level packages of this service."""
_SPOKEN = ("uvicorn.error", "psycopg.pool", "asyncio")
"""Loggers of libraries whose first line is kept: it tells of connections and of the server, not of contents."""
_MOST_CAUSES = 8


def private(record: logging.LogRecord) -> logging.LogRecord | None:
    """Return a record as it may be written, or None if it may not; the given record stays unchanged."""
    if not is_own(record.name):
        if record.levelno < (logging.INFO if record.name == "uvicorn.error" else logging.WARNING):
            return None
        known = {name: value for name, value in vars(record).items() if name in STANDARD}
        record = logging.makeLogRecord({**known, "msg": _of_library(record), "args": ()})
    elif record.exc_info:
        record = copy(record)
    if record.exc_info:
        error = record.exc_info[1]
        record.exc_text = None if error is None else traceback_of(error)
    record.stack_info = None
    return record


def is_own(name: str) -> bool:
    """Return whether a logger belongs to this service."""
    return name.partition(".")[0] in _OWN


def says_nothing_private(name: str) -> bool:
    """Return whether the first line of a logger's records may be written."""
    return is_own(name) or name in _SPOKEN


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an exception and of its causes: types and places, without the exceptions' texts."""
    return "\n".join(_lines(error))


def _lines(error: BaseException) -> Iterator[str]:
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen and len(seen) < _MOST_CAUSES:
        if seen:
            yield "which was caused by:"
        seen.append(cause)
        yield from "".join(traceback.format_tb(cause.__traceback__)).splitlines()
        yield f"{type(cause).__module__}.{type(cause).__qualname__}"
        yield from (f"  with {type(each).__qualname__}" for each in _members(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _members(error: BaseException) -> tuple[BaseException, ...]:
    return error.exceptions[:_MOST_CAUSES] if isinstance(error, BaseExceptionGroup) else ()


def _of_library(record: logging.LogRecord) -> str:
    if record.name in _SPOKEN:
        first = (record.getMessage().strip().splitlines() or [""])[0]
        return redact(first)
    kind = record.exc_info[0] if record.exc_info else None
    about = f" ({kind.__name__})" if kind else ""
    return f"a message of this library, {Path(record.pathname).name}:{record.lineno}{about}"
