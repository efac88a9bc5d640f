"""How long ago something was, for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_WEEK = timedelta(days=7)
_UNITS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))


def age(moment: datetime, now: datetime | None = None) -> str:
    """Say how long ago a moment was, or its date after a week."""
    passed = (now or datetime.now(UTC)) - moment
    if passed >= _WEEK:
        return f"{moment:%Y-%m-%d}"
    for unit, name in _UNITS:
        if passed >= unit:
            return f"{passed // unit} {name} ago"
    return "just now"
