"""One server at a time on a data directory."""

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
_SECONDS_FOR_THE_LIVING = 1.0
_SECONDS_FOR_THE_DEAD = 15.0


class DataDirectoryError(Exception):
    """The data directory cannot be used; the message is one line for the terminal."""


@asynccontextmanager
async def locked(directory: Path) -> AsyncIterator[int]:
    """Hold the directory, made if need be, for this process and whoever inherits the file descriptor given.

    The lock is the kernel's: it ends with the last process that has the descriptor, however that ends.

    Raises:
        DataDirectoryError: another process holds the directory, or it cannot be made.
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
        raise DataDirectoryError(f"the data directory {directory} cannot be used: {error.strerror}") from error


async def _acquire(file: TextIO, directory: Path) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not _try_to_lock(file):
        holder = _read_holder(file)
        # Of a server that was killed, the database process is still ending.
        patience = _SECONDS_FOR_THE_LIVING if holder and _is_alive(holder) else _SECONDS_FOR_THE_DEAD
        if loop.time() - began > patience:
            raise DataDirectoryError(
                f"the data directory {directory} is in use by another imbi-assistant server (process {holder or '?'})"
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
