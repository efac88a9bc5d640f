"""The rate limits of the model's API, as its responses tell them (https://platform.claude.com/docs/en/api/rate-limits).

Limits belong to the organization, so other processes use them up too. What a response said is only known of its moment.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

log = logging.getLogger(__name__)

_KINDS = ("requests", "tokens", "input-tokens", "output-tokens")
_MODELS = 64
"""The number of models whose limits are kept. Their names come from conversations, so there could be many."""
_LOW = 0.1
"""A limit is logged when less than this part of it remains."""
_LONGEST_SECONDS = 60.0
"""After this time, a limit that was used up is not believed any more: it fills up all the time."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a model: its size, what remained of it, and when it is full again, in seconds since the epoch."""

    kind: str
    size: int
    remaining: int
    reset: float
    noted_at: float

    @property
    def is_low(self) -> bool:
        """Whether little remains."""
        return self.remaining < self.size * _LOW

    def seconds_left(self, now: float) -> float:
        """Return how long this limit stays used up; 0 if something remains."""
        ends_at = min(self.reset, self.noted_at + _LONGEST_SECONDS)
        return max(ends_at - now, 0.0) if self.remaining <= 0 else 0.0


class RateLimits:
    """The limits of each model, from the last response."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._limits: dict[str, dict[str, Limit]] = {}

    def note(self, model: str, headers: Mapping[str, str]) -> None:
        """Take the limits of a response; the log says once when little is left."""
        found = {limit.kind: limit for limit in _read(headers, self._now())}
        if not found:
            return
        known = self._limits.pop(model, {})
        for kind, limit in found.items():
            before = known.get(kind)
            if limit.is_low and not (before and before.is_low):
                log.warning(
                    "the model's API has %s of %s %s left for %s", limit.remaining, limit.size, _words(kind), model
                )
        self._limits[model] = known | found
        if len(self._limits) > _MODELS:
            del self._limits[next(iter(self._limits))]

    def seconds_used_up(self, model: str) -> float:
        """Return the seconds for which a request would be refused; 0 if it may succeed."""
        now = self._now()
        return max((limit.seconds_left(now) for limit in self._limits.get(model, {}).values()), default=0.0)

    def remaining(self) -> Iterable[tuple[float, Mapping[str, str]]]:
        """Return what remained of each limit, with the attributes of a metric."""
        return [(limit.remaining, attributes) for limit, attributes in self._all()]

    def sizes(self) -> Iterable[tuple[float, Mapping[str, str]]]:
        """Return the size of each limit, with the attributes of a metric."""
        return [(limit.size, attributes) for limit, attributes in self._all()]

    def _all(self) -> Iterator[tuple[Limit, Mapping[str, str]]]:
        for model, limits in list(self._limits.items()):
            for limit in list(limits.values()):
                yield limit, {"gen_ai.request.model": model, "limit": limit.kind}


def _read(headers: Mapping[str, str], now: float) -> Iterator[Limit]:
    for kind in _KINDS:
        size, remaining, reset = (
            headers.get(f"anthropic-ratelimit-{kind}-{part}", "") for part in ("limit", "remaining", "reset")
        )
        try:
            # Gateways may send some of these headers, or others by these names.
            yield Limit(
                kind.replace("-", "_"), int(size), int(remaining), datetime.fromisoformat(reset).timestamp(), now
            )
        except (ValueError, OverflowError, OSError):
            continue


def _words(kind: str) -> str:
    return kind.replace("_", " ")
