"""The admission to the database: urgent work first, then a bounded queue of requests that is fair among users."""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import ContextVar
from enum import IntEnum
from itertools import chain
from typing import TYPE_CHECKING

from shared.domain.errors import GraphBusy, GraphUnavailable
from shared.util.fair_queue import FairQueue

if TYPE_CHECKING:
    from shared.domain.errors import GraphError

MOST_WAITING = 2_000
"""The number of requests that may wait. If more arrive, the user who has most of them is refused."""
_LONGEST_WAIT_SECONDS = 60.0
_STALL_SECONDS = 4.5
"""If the database completes nothing in this time, it counts as unreachable for all who wait."""
_TICK_SECONDS = 0.5
"""Waits are counted in ticks of the event loop, so that time in which this process had no CPU hardly counts."""
_HEAD_START = 4
"""The further uses for which an admitted request goes before new requests, so that begun work ends first."""
_RESERVES_FROM = 3
"""From this number of connections on, one is reserved for the upkeep of answers."""


class Priority(IntEnum):
    """The order in which work is admitted."""

    UPKEEP = 0
    """What keeps running answers valid: renewals of leases, fences and stops. One connection is reserved for it."""
    STORING = 1
    """What running answers store."""
    REQUEST = 2
    """All other work. It may be refused if too much of it waits."""


class _Request:
    """A user's request, which uses the database once or several times."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.head_start = 0
        """The number of further uses for which it goes before new requests."""


_request: ContextVar[_Request | None] = ContextVar("request", default=None)


def on_behalf_of(user: str) -> None:
    """Count the later uses of the database by this task, and by the tasks that it starts, as a user's new request."""
    _request.set(_Request(user))


class _Waiter:
    """Work that waits for its place."""

    def __init__(self, priority: Priority, request: _Request | None) -> None:
        self.is_request = priority is Priority.REQUEST
        self.is_new = self.is_request and not (request and request.head_start)
        self.priority = priority
        self.user = request.user if request else ""
        self.ticks = 0
        self.place: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def has_place(self) -> bool:
        """Whether it was admitted."""
        return self.place.done() and not self.place.cancelled() and self.place.exception() is None

    def refuse(self, error: GraphError) -> None:
        """End the wait with an error."""
        if not self.place.done():
            self.place.set_exception(error)


class Admission:
    """Admits as much work at a time as there are connections."""

    def __init__(self, places: int, *, most_waiting: int = MOST_WAITING) -> None:
        self._free = places
        self._reserved = 1 if places >= _RESERVES_FROM else 0
        self._most_waiting = most_waiting
        self._begun: dict[Priority, deque[_Waiter]] = {each: deque() for each in Priority}
        """Work of answers and of requests that have been admitted before, by priority."""
        self._new: FairQueue[_Waiter] = FairQueue()
        self._waiting = 0
        self._idle_ticks = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """The number of those who wait for a place."""
        return self._waiting

    async def enter(self, priority: Priority) -> None:
        """Wait for a place.

        Raises:
            GraphBusy: too many requests wait, or this one has waited for too long.
            GraphUnavailable: the database completes nothing.
        """
        request = _request.get() if priority is Priority.REQUEST else None
        if self._waiting or not self._may_take(priority):
            await self._wait(_Waiter(priority, request))
        else:
            self._free -= 1
        if request is not None:
            request.head_start = request.head_start - 1 if request.head_start else _HEAD_START

    def leave(self, *, is_completed: bool) -> None:
        """Give the place back; `is_completed` says that the database has answered."""
        self._free += 1
        if is_completed:
            self._idle_ticks = 0
        self._admit()

    async def _wait(self, waiter: _Waiter) -> None:
        self._enqueue(waiter)
        self._admit()
        self._start_timer()
        try:
            await waiter.place
        except asyncio.CancelledError:
            if waiter.has_place:
                self.leave(is_completed=False)
            else:
                self._dequeue(waiter)
            raise

    def _enqueue(self, waiter: _Waiter) -> None:
        if not waiter.is_new:
            self._begun[waiter.priority].append(waiter)
        else:
            if len(self._new) >= self._most_waiting:
                displaced = self._new.displaced_by(waiter.user)
                if displaced is None:
                    raise GraphBusy
                self._waiting -= 1
                displaced.refuse(GraphBusy())
            self._new.add(waiter.user, waiter)
        self._waiting += 1

    def _dequeue(self, waiter: _Waiter) -> None:
        """Take a waiter out of its line if it is still there."""
        before = len(self._new)
        if not waiter.is_new:
            line = self._begun[waiter.priority]
            if waiter in line:
                line.remove(waiter)
                self._waiting -= 1
        else:
            self._new.remove(waiter.user, waiter)
            self._waiting -= before - len(self._new)

    def _may_take(self, priority: Priority) -> bool:
        return self._free > (0 if priority is Priority.UPKEEP else self._reserved)

    def _admit(self) -> None:
        while (waiter := self._next()) is not None:
            self._waiting -= 1
            if not waiter.place.done():
                self._free -= 1
                waiter.place.set_result(None)

    def _next(self) -> _Waiter | None:
        """Take the next waiter that may enter out of its line."""
        for priority, line in self._begun.items():
            if not self._may_take(priority):
                return None
            if line:
                return line.popleft()
        return self._new.pop() if self._new else None

    def _start_timer(self) -> None:
        if self._timer is None and self._waiting:
            self._timer = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._idle_ticks += 1
        is_stalled = self._idle_ticks * _TICK_SECONDS >= _STALL_SECONDS
        for waiter in [*chain(*self._begun.values(), self._new)]:
            waiter.ticks += 1
            is_late = waiter.is_request and waiter.ticks * _TICK_SECONDS >= _LONGEST_WAIT_SECONDS
            if is_stalled or is_late:
                self._dequeue(waiter)
                waiter.refuse(GraphUnavailable() if is_stalled else GraphBusy())
        if not self._waiting:
            self._idle_ticks = 0
        self._start_timer()
