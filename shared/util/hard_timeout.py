"""A time limit that holds even if the work does not react to its cancellation at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_CANCEL_INTERVAL_SECONDS = 1.0
_SLICE_SECONDS = 0.5


class HardTimeout:
    """Runs coroutines for a limited time. Late work is cancelled in the background, and nobody waits for its end.

    The limit is for the work, not for this process: the time is counted in slices, and however long other work blocks
    the event loop meanwhile, that counts as one slice.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._cancellations: set[asyncio.Task[None]] = set()

    async def run(
        self, work: Coroutine[None, None, T], on_end: Callable[[asyncio.Task[T]], None] = lambda _task: None
    ) -> T:
        """Return the result of the work, or raise its exception.

        `on_end` is called when the work has ended, which is later than this method if the work is late.

        Raises:
            TimeoutError: the work is not done in time.
        """
        task = asyncio.create_task(work)
        task.add_done_callback(on_end)
        try:
            seconds_left = self._seconds
            while not task.done() and seconds_left > 0:
                await asyncio.wait({task}, timeout=min(seconds_left, _SLICE_SECONDS))
                seconds_left -= _SLICE_SECONDS
        finally:
            if not task.done():
                self._cancel(task)
        if not task.done():
            raise TimeoutError
        return task.result()

    def _cancel(self, task: asyncio.Task[T]) -> None:
        cancellation = asyncio.create_task(_cancel_until_done(task))
        self._cancellations.add(cancellation)
        cancellation.add_done_callback(self._cancellations.discard)


async def _cancel_until_done(task: asyncio.Task[T]) -> None:
    # psycopg, for example, reacts to a cancellation by cancelling its query, and waits for the server's reply to that.
    # On a half-open connection there is no reply, and only another cancellation ends the wait.
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_INTERVAL_SECONDS)
    if not task.cancelled():
        task.exception()
