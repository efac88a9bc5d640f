"""The trust in the connections of a pool: those that hang are replaced, and those that have answered since are kept."""

from __future__ import annotations

import math
import time
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

C = TypeVar("C")


class ConnectionTrust(Generic[C]):
    """Knows when each connection has answered, and since when one must have answered.

    If one statement is not answered in time, the database or the network may be gone, and every connection with it. Or
    only this statement is slow. The connections that have answered since it was sent are healthy.
    """

    def __init__(self) -> None:
        self._answered_at: WeakKeyDictionary[C, float] = WeakKeyDictionary()
        self._since = -math.inf
        self.now = time.monotonic

    def note_answer(self, connection: C) -> None:
        """Record that a connection has just answered."""
        self._answered_at[connection] = self.now()

    def withdraw(self, since: float) -> None:
        """Trust only those connections that have answered at or after a time."""
        self._since = max(self._since, since)

    def has(self, connection: C) -> bool:
        """Return whether a connection is trusted."""
        return self._answered_at.get(connection, -math.inf) >= self._since
