"""Worker processes that share one listening socket: they are started, replaced when they die, and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from asyncio.subprocess import Process
    from collections.abc import Sequence

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""A worker that died early so often in a row cannot start."""
_STOP_TIMEOUT_SECONDS = 20.0
"""The time that a worker may take to stop; it is longer than a server waits for its requests."""
_NOT_STARTED = 1
"""The exit status of a worker that could not start and gave no status of its own."""
_SIGNALLED = 128
"""What shells add to a signal's number for the exit status of a process that the signal ended."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The times of the replacement of workers, in seconds."""

    min_lifetime: float = 5.0
    """A worker that dies earlier died early: it may be unable to start."""
    first_pause: float = 0.5
    """The pause after an early death. It doubles with each further one in a row."""
    longest_pause: float = 30.0

    def pause(self, early_deaths: int) -> float:
        """Return the pause before a worker is replaced that died early so often in a row; the first one has none."""
        if early_deaths == 0:
            return 0.0
        # The exponent is bounded, because the power of a large one is no float.
        return min(self.first_pause * 2.0 ** min(early_deaths - 1, _SIGNALLED), self.longest_pause)


@dataclass(slots=True)
class _Place:
    """The place of one worker, which one process after the other takes."""

    sockets: Sequence[socket.socket]
    process: Process | None = None
    early_deaths: int = 0
    """The number of the last processes in a row that died early."""

    @property
    def is_hopeless(self) -> bool:
        return self.process is None and self.early_deaths >= ATTEMPTS


async def supervise(
    count: int,
    listening: socket.socket,
    command: Sequence[str],
    *,
    own: Sequence[socket.socket] = (),
    pace: Pace | None = None,
) -> int:
    """Keep `count` processes of a command running until SIGINT or SIGTERM, and return the exit status.

    Each process inherits the listening socket; the number of its file descriptor is the last argument. If there are
    further sockets, `own` has one for each place, whose number follows. A process that
    dies is replaced: at once, or after a growing pause if it died early. Only if no process runs and each one died
    early several times in a row, the service ends with the status of such a process, which is never 0.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopping.set)
    places = [_Place([listening, *own[number : number + 1]]) for number in range(count)]
    supervisor = _Supervisor(places, command, pace or Pace(), stopping)
    return await supervisor.run()


class _Supervisor:
    def __init__(self, places: Sequence[_Place], command: Sequence[str], pace: Pace, stopping: asyncio.Event) -> None:
        self._places = places
        self._command = command
        self._pace = pace
        self._stopping = stopping
        self._status = 0

    async def run(self) -> int:
        """Keep every place taken until `stopping` is set, and return the exit status."""
        async with asyncio.TaskGroup() as group:
            for place in self._places:
                group.create_task(self._keep(place))
        return self._status

    async def _keep(self, place: _Place) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self._run_worker(place)
            if self._stopping.is_set():
                return
            lived = time.monotonic() - began
            self._note_death(place, status, is_early=lived < self._pace.min_lifetime)
            await self._wait(self._pace.pause(place.early_deaths))

    def _note_death(self, place: _Place, status: int, *, is_early: bool) -> None:
        """Log a death, and end everything if no worker can start."""
        if not is_early:
            place.early_deaths = 0
            log.error("a worker died (exit status %s) and is replaced", status)
            return
        place.early_deaths += 1
        if all(each.is_hopeless for each in self._places):
            log.error("no worker can start (exit status %s), so the service ends", status)
            self._status = status or _NOT_STARTED
            self._stopping.set()
            return
        pause = self._pace.pause(place.early_deaths)
        log.error("a worker died early (exit status %s) and is replaced in %s seconds", status, pause)

    async def _run_worker(self, place: _Place) -> int:
        """Run one process to its end and return its exit status."""
        descriptors = [each.fileno() for each in place.sockets]
        try:
            place.process = await asyncio.create_subprocess_exec(
                *self._command, *map(str, descriptors), pass_fds=descriptors, start_new_session=True
            )
        except OSError as error:
            # The machine has no memory, no processes or no file descriptors left.
            log.error("a worker could not be started: %s", error.strerror)  # noqa: TRY400  # the sentence says it all
            return _NOT_STARTED
        try:
            status = await _wait_for_exit(place.process, self._stopping)
        finally:
            place.process = None
        return status if status >= 0 else _SIGNALLED - status

    async def _wait(self, seconds: float) -> None:
        """Wait for a time, or until everything stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


async def _wait_for_exit(process: Process, stopping: asyncio.Event) -> int:
    """Return the exit status of a process; terminate the process when `stopping` is set."""
    exited = asyncio.ensure_future(process.wait())
    stop_requested = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({exited, stop_requested}, return_when=asyncio.FIRST_COMPLETED)
    stop_requested.cancel()
    if not exited.done():
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait({exited}, timeout=_STOP_TIMEOUT_SECONDS)
    if not exited.done():
        process.kill()
    return await exited
