"""A lock that lets only one server at a time use a data directory."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_POLL_SECONDS = 0.05
_WAIT_SECONDS = 1.0
_WAIT_SECONDS_AFTER_KILL = 15.0


class DataDirectoryError(Exception):
    """The data directory cannot be used; the message is one line for the terminal."""


@asynccontextmanager
async def locked(directory: Path) -> AsyncIterator[int]:
    """Lock the directory, which is created if it does not exist, and yield the lock's file descriptor.

    The kernel releases the lock when the last process that has inherited the descriptor ends, for whatever reason.

    Raises:
        DataDirectoryError: another process holds the lock, or the directory cannot be created.
    """
    with _open_lock(directory) as file:
        await _acquire(file, directory)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()


def _open_lock(directory: Path) -> TextIO:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return (directory / "lock").open("a+")
    except OSError as error:
        raise DataDirectoryError(f"Cannot use the data directory {directory}: {error.strerror}.") from error


async def _acquire(file: TextIO, directory: Path) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not _try_to_lock(file):
        holder = _read_holder(file)
        # After a server was killed, its database process needs some time to end.
        limit = _WAIT_SECONDS if holder and _is_alive(holder) else _WAIT_SECONDS_AFTER_KILL
        if loop.time() - began > limit:
            raise DataDirectoryError(
                f"The data directory {directory} is in use by another imbi-assistant server "
                f"(process {holder or 'unknown'}). Stop that server, or choose another directory with --data-dir."
            )
        await asyncio.sleep(_POLL_SECONDS)


def _try_to_lock(file: TextIO) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _read_holder(file: TextIO) -> int | None:
    file.seek(0)
    written = file.read()
    return int(written) if written.isdecimal() else None


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
