"""Times: always with an offset, always written with microseconds, so that their texts sort as they do."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Give the time now, in UTC."""
    return datetime.now(UTC)


def text_of(time: datetime) -> str:
    """Write a time as ISO 8601 with an offset and microseconds."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def read(text: str) -> datetime:
    """Read an ISO 8601 time; one without an offset is UTC.

    Raises:
        ValueError: the text is no time.
    """
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
