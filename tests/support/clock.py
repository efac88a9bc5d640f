"""A clock for tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now
