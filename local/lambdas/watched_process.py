"""A process whose end is noticed, and that does not outlive this one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from signal import Signals


class WatchedProcess:
    """A process in a group of its own, which keeps Ctrl-C from it.

    If this process dies, the kernel continues and hangs up the frozen members of the group, because the group has
    become an orphan (POSIX, "orphaned process group"). uvloop cannot start a process in a group, so a thread waits.
    """

    def __init__(self, command: Sequence[str | Path], variables: Mapping[str, str], directory: Path) -> None:
        """Start the process. What it prints goes to stderr."""
        self._loop = asyncio.get_running_loop()
        self._status: asyncio.Future[int] = self._loop.create_future()
        self._popen = subprocess.Popen(  # noqa: S603  # our own command lines
            command, env=variables, cwd=directory, stdin=subprocess.DEVNULL, stdout=sys.stderr, process_group=0
        )
        threading.Thread(target=self._wait, daemon=True).start()

    async def ended(self) -> int:
        """Wait for the end of the process, and return its exit status."""
        return await asyncio.shield(self._status)

    def signal(self, number: Signals) -> None:
        """Send a signal, unless the process has ended."""
        self._popen.send_signal(number)

    def _wait(self) -> None:
        status = self._popen.wait()
        self._loop.call_soon_threadsafe(self._status.set_result, status)
