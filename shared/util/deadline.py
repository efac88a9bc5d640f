"""A time limit for many short waits in a row, such as the sending of an answer's events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Deadline:
    """Limits the waits of one task as `asyncio.timeout` does, but shares one timer between them.

    A timer for each wait would cost more time than everything else that the service does with an event. The shared
    timer stays set when a wait ends. When it fires, it checks whether the current wait is over its limit, and otherwise
    it is set again for the end of that wait.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_fires_at = 0.0
        self._ends_at: float | None = None
        self._cancellations = 0
        self._has_expired = False

    def within(self, seconds: float) -> Self:
        """Set the limit for the body of a `with` statement.

        Raises:
            TimeoutError: the body takes longer; raised when the `with` statement ends.
        """
        self._ends_at = self._loop.time() + seconds
        if self._timer is None or self._ends_at < self._timer_fires_at:
            self._set_timer(self._ends_at)
        return self

    def close(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a Deadline must be used inside a task")
        self._task = task
        self._cancellations = task.cancelling()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends_at = None
        if not self._has_expired or self._task is None:
            return
        self._has_expired = False
        if self._task.uncancel() <= self._cancellations and kind is asyncio.CancelledError:
            raise TimeoutError from value

    def _set_timer(self, when: float) -> None:
        self.close()
        self._timer_fires_at = when
        self._timer = self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._ends_at is None or self._task is None:
            return
        if self._loop.time() < self._ends_at:
            self._set_timer(self._ends_at)
            return
        self._has_expired = True
        self._task.cancel()
