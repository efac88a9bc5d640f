"""Formats a moment relative to now, as in "5 min ago"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_WEEK = timedelta(days=7)
_UNITS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))


def relative_time(moment: datetime, now: datetime | None = None) -> str:
    """Format how long ago a moment was; after a week, format its date."""
    passed = (now or datetime.now(UTC)) - moment
    if passed >= _WEEK:
        return f"{moment:%Y-%m-%d}"
    for unit, name in _UNITS:
        if passed >= unit:
            return f"{passed // unit} {name} ago"
    return "just now"
