"""Work that several may ask for at once, and that is done once for all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Starts work unless it is under way; whoever waits for it and goes away does not stop it for the others."""

    def __init__(
        self, work: Callable[[], Coroutine[None, None, T]], *, longest: float, clock: Callable[[], float]
    ) -> None:
        """Prepare; work that is under way for more than `longest` seconds was lost while the process was frozen."""
        self.began_at = float("-inf")
        self._work = work
        self._longest = longest
        self._clock = clock
        self._task: asyncio.Task[T] | None = None

    @property
    def under_way(self) -> asyncio.Task[T] | None:
        """The work that is being done now."""
        is_lost = not 0 <= self._clock() - self.began_at <= self._longest
        return None if self._task is None or self._task.done() or is_lost else self._task

    def start(self) -> asyncio.Task[T]:
        """Start the work, or join in the one that is under way."""
        task = self.under_way
        if task is None:
            if self._task is not None:
                self._task.cancel()
            self.began_at = self._clock()
            self._task = task = asyncio.create_task(self._work())
            task.add_done_callback(_looked_at)
        return task

    async def aclose(self) -> None:
        """Stop the work."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})


def _looked_at(task: asyncio.Task[T]) -> None:
    """Mark a failure as seen, since nobody may be waiting any more."""
    if not task.cancelled():
        task.exception()
