"""Several processes behind one listening socket: started, replaced when they die, stopped together."""

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

_PATIENCE_SECONDS = 20.0
"""How long workers may take to stop: longer than a server waits for its answers."""
_SHORT_LIFE_SECONDS = 5.0
"""A worker that dies younger could not start: it is not replaced."""


async def supervise(
    count: int, listening: socket.socket, command: Sequence[str], *, short_life: float = _SHORT_LIFE_SECONDS
) -> int:
    """Keep `count` processes of a command running until SIGINT or SIGTERM; gives the exit status.

    The last argument of each is the number of the listening socket's file descriptor, which it inherits. One that
    dies within a short life, in seconds, could not start: all are stopped then.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopping.set)
    keepers = [asyncio.create_task(_keep_one(listening, command, stopping, short_life)) for _ in range(count)]
    done, _ = await asyncio.wait(keepers, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    statuses = [*await asyncio.gather(*keepers), *(keeper.result() for keeper in done)]
    return max(statuses)


async def _keep_one(
    listening: socket.socket, command: Sequence[str], stopping: asyncio.Event, short_life: float
) -> int:
    while not stopping.is_set():
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *command, str(listening.fileno()), pass_fds=[listening.fileno()], start_new_session=True
        )
        status = await _life(process, stopping)
        if not stopping.is_set() and time.monotonic() - began < short_life:
            log.error("a worker could not start (exit status %s)", status)
            return status or 1
        if not stopping.is_set():
            log.error("worker %s died (exit status %s) and is replaced", process.pid, status)
    return 0


async def _life(process: Process, stopping: asyncio.Event) -> int:
    """Wait for a process's end, which it is told to come to when all are to stop."""
    ended = asyncio.ensure_future(process.wait())
    told = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not ended.done():
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait({ended}, timeout=_PATIENCE_SECONDS)
    if not ended.done():
        process.kill()
    return await ended
