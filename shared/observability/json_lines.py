"""Log lines as JSON objects with the field names of Powertools' Logger.

https://docs.aws.amazon.com/powertools/python/latest/core/logger/#standard-structured-keys
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import orjson

from shared.observability.log_privacy import STANDARD


class JsonFormatter(logging.Formatter):
    """One JSON object on one line; the text of an exception is that of the record."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        line: dict[str, object] = {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}",
            "message": record.getMessage(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "service": self._service,
            "name": record.name,
        }
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD and value is not None}
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_text or ""
            line["exception_name"] = record.exc_info[0].__name__
        return _encoded(line)


def _encoded(line: dict[str, object]) -> str:
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        # A text with half of a surrogate pair, or a number of more than 64 bits.
        return json.dumps(line, default=str, separators=(",", ":"))
