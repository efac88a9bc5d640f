"""Runs our processes and measures their CPU time and memory from outside."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

ROOT = Path(__file__).parent.parent
_STOP_SECONDS = 20
_KIBIBYTES_PER_MEBIBYTE = 1024


class Measured:
    """A running process with its log file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.started_at = time.perf_counter()

    @property
    def cpu_seconds(self) -> float:
        """The CPU seconds of all threads since the start, including kernel time, excluding child processes."""
        # The number of a process's CPU clock on Linux, as returned by clock_getcpuclockid(3).
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def memory(self, field: str = "VmRSS") -> float:
        """Return a memory field of the process's status in MiB: VmRSS is the resident size, VmHWM its peak."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith(f"{field}:")]
        return int(line.split()[1]) / _KIBIBYTES_PER_MEBIBYTE

    async def settled(self) -> None:
        """Wait until the process is idle: two seconds with almost no CPU time, or 30 seconds at most."""
        quiet = 0
        for _ in range(60):
            before = self.cpu_seconds
            await asyncio.sleep(0.5)
            quiet = quiet + 1 if self.cpu_seconds - before < 0.01 else 0  # noqa: PLR2004  # 2 % of half a second
            if quiet == 4:  # noqa: PLR2004  # two seconds
                return


@asynccontextmanager
async def running(
    arguments: list[str], directory: Path, log: str, variables: Mapping[str, str] | None = None
) -> AsyncIterator[Measured]:
    """Run a Python program of ours with these environment variables only; its output goes to a log file."""
    path = directory / log
    with path.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=directory,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT), **(variables or {})},
            stdout=output,
            stderr=output,
        )
    try:
        yield Measured(process, path)
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def first_line(measured: Measured) -> str:
    """Return the first line that a process prints.

    Raises:
        TimeoutError: it prints none within 20 seconds.
    """
    async with asyncio.timeout(_STOP_SECONDS):
        while b"\n" not in (content := measured.log.read_bytes()):  # noqa: ASYNC110  # a file has no notification
            await asyncio.sleep(0.02)
    return content.split(b"\n", 1)[0].decode()
