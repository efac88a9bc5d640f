"""Worker processes that share one listening socket: they are started, replaced when they die, and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from asyncio.subprocess import Process
    from collections.abc import Sequence

log = logging.getLogger(__name__)

_STOP_TIMEOUT_SECONDS = 20.0
"""The time that a worker may take to stop; it is longer than a server waits for its requests."""
_MIN_LIFETIME_SECONDS = 5.0
"""A worker that dies earlier could not start."""


async def supervise(
    count: int, listening: socket.socket, command: Sequence[str], *, min_lifetime: float = _MIN_LIFETIME_SECONDS
) -> int:
    """Keep `count` processes of a command running until SIGINT or SIGTERM, and return the exit status.

    Each process inherits the listening socket; the number of its file descriptor is the last argument. A process that
    dies within `min_lifetime` seconds could not start. It is not replaced, and all processes are stopped.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopping.set)
    tasks = [
        asyncio.create_task(_keep_worker_running(listening, command, stopping, min_lifetime)) for _ in range(count)
    ]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    statuses = [*await asyncio.gather(*tasks), *(task.result() for task in done)]
    return max(statuses)


async def _keep_worker_running(
    listening: socket.socket, command: Sequence[str], stopping: asyncio.Event, min_lifetime: float
) -> int:
    while not stopping.is_set():
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *command, str(listening.fileno()), pass_fds=[listening.fileno()], start_new_session=True
        )
        status = await _wait_for_exit(process, stopping)
        if not stopping.is_set() and time.monotonic() - began < min_lifetime:
            log.error("a worker could not start (exit status %s)", status)
            return status or 1
        if not stopping.is_set():
            log.error("worker %s died (exit status %s) and will be replaced", process.pid, status)
    return 0


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
