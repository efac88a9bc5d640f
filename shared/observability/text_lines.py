"""Log lines as text for a terminal."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_FIELDS = ("request_id", "user", "conversation_id")
"""The context fields that a terminal shows, in this order."""
_CONTROLS = {code: repr(chr(code))[1:-1] for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}
"""Characters that would end a line or change a terminal's state, with their escapes."""


class TextFormatter(logging.Formatter):
    """One line of text with the context fields at its end; only a traceback adds further lines."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """Write the line."""
        fields = {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        context = " ".join(f"{name.removesuffix('_id')}={value}" for name, value in fields.items())
        line = super().formatMessage(record)
        return f"{line}  [{context}]".translate(_CONTROLS) if context else line.translate(_CONTROLS)

    def formatTime(self, record: logging.LogRecord, _datefmt: str | None = None) -> str:  # noqa: N802  # logging's name
        """Write the local time with its offset from UTC."""
        return datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="milliseconds")
