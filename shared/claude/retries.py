"""The rules for sending a request again: which statuses, how often, and after which pause.

They are those of Anthropic's SDK.
"""

from __future__ import annotations

import random
import time
from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RETRIES = 2
LONGEST_PAUSE_SECONDS = 10.0
"""A longer pause is not waited for: the user learns of it. It is that of a client, not of the SDK."""
PAUSE_BEFORE_FALLBACK_SECONDS = 2.0
"""The same if another model can answer instead."""
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 8.0
_JITTER = 0.25
_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})


def is_retryable(status: int, headers: Mapping[str, str]) -> bool:
    """Return whether a refused request may succeed a moment later; the header `x-should-retry` has precedence."""
    told = headers.get("x-should-retry")
    if told in {"true", "false"}:
        return told == "true"
    return status in _STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def pause_seconds(attempt: int, headers: Mapping[str, str] | None = None) -> float:
    """Return the pause after the attempt of this number, from 0: as the server asks for, or else growing."""
    asked = asked_seconds(headers or {})
    if asked is not None and asked > 0:
        return asked
    pause = min(_FIRST_PAUSE_SECONDS * 2.0**attempt, _LONGEST_PAUSE_SECONDS)
    return pause * (1 - _JITTER * random.random())  # noqa: S311  # nothing depends on its being unpredictable


def asked_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `retry-after-ms` or `Retry-After` (RFC 9110, section 10.2.3), which may be a date."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        return seconds if isfinite(seconds) else None
    date = parsedate_tz(headers.get("retry-after", ""))
    try:
        return None if date is None else mktime_tz(date) - time.time()
    except (OverflowError, ValueError):
        return None
