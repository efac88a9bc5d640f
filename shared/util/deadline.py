"""Bounded waits that follow one another thousands of times, such as those for an answer's events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Deadline:
    """Bounds the waits of one task as `asyncio.timeout` does, but with a timer for many of them.

    A timer for each wait costs more than an event's whole way through the service. This one stays armed while waits
    come and go; when it goes off it looks whether the wait of the moment is over its time, and else is set again.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0
        self._ends_at: float | None = None
        self._cancellations = 0
        self._is_late = False

    def within(self, seconds: float) -> Self:
        """Bound what is done in the context; it raises TimeoutError where that takes longer."""
        self._ends_at = self._loop.time() + seconds
        if self._timer is None or self._ends_at < self._armed_for:
            self._arm(self._ends_at)
        return self

    def close(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline bounds the waits of a task")
        self._task = task
        self._cancellations = task.cancelling()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends_at = None
        if not self._is_late or self._task is None:
            return
        self._is_late = False
        if self._task.uncancel() <= self._cancellations and kind is asyncio.CancelledError:
            raise TimeoutError from value

    def _arm(self, when: float) -> None:
        self.close()
        self._armed_for = when
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._ends_at is None or self._task is None:
            return
        if self._loop.time() < self._ends_at:
            self._arm(self._ends_at)
            return
        self._is_late = True
        self._task.cancel()
