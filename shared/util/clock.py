"""Times with an offset. Their texts always have microseconds, so that the order of the texts is the order in time."""

from __future__ import annotations

from datetime import UTC, datetime

EARLIEST = datetime.min.replace(tzinfo=UTC)
"""A time before every other one."""


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def now_text() -> str:
    """Return the current time as `to_text` writes it."""
    return to_text(now())


def to_text(time: datetime) -> str:
    """Return a time in ISO 8601 form, in UTC and with microseconds."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def parse(text: str) -> datetime:
    """Return the time of an ISO 8601 text; a text without an offset is in UTC.

    Raises:
        ValueError: the text is not a time.
    """
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
