"""Work that several callers may request at the same time and that runs once for all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Starts the work unless it is running. A caller that stops waiting does not stop the work for the others."""

    def __init__(
        self, work: Callable[[], Coroutine[None, None, T]], *, longest: float, clock: Callable[[], float]
    ) -> None:
        """Start nothing yet.

        Work that has been running for more than `longest` seconds, by `clock`, counts as lost: the process was frozen
        meanwhile, and the work's connection is broken.
        """
        self.began_at = float("-inf")
        self._work = work
        self._longest = longest
        self._clock = clock
        self._task: asyncio.Task[T] | None = None

    @property
    def under_way(self) -> asyncio.Task[T] | None:
        """The running work, or None."""
        is_lost = not 0 <= self._clock() - self.began_at <= self._longest
        return None if self._task is None or self._task.done() or is_lost else self._task

    def start(self) -> asyncio.Task[T]:
        """Return the running work, or start it."""
        task = self.under_way
        if task is None:
            if self._task is not None:
                self._task.cancel()
            self.began_at = self._clock()
            self._task = task = asyncio.create_task(self._work())
            task.add_done_callback(_retrieve_exception)
        return task

    async def aclose(self) -> None:
        """Cancel the work and wait for its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})


def _retrieve_exception(task: asyncio.Task[T]) -> None:
    """Keep asyncio from logging the exception of work that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
