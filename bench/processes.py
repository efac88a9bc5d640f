"""Processes that are measured from outside: their duration, CPU time and memory."""

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
    """A running process."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.started_at = time.perf_counter()

    @property
    def cpu_seconds(self) -> float:
        """The CPU time of all its threads since its start, the kernel's included; its children's is not."""
        # Linux numbers the CPU clock of a process so; clock_getcpuclockid(3) gives the same.
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def memory(self, field: str = "VmRSS") -> float:
        """Mebibytes of a field of its status: VmRSS is resident now, VmHWM was resident at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith(f"{field}:")]
        return int(line.split()[1]) / _KIBIBYTES_PER_MEBIBYTE

    async def settled(self) -> None:
        """Wait until it has stopped working: two seconds with next to no CPU time."""
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
    """Run a Python program of ours with nothing of the environment but the variables; its output goes to a log."""
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
    """Wait for the first line that a process prints.

    Raises:
        TimeoutError: there is none.
    """
    async with asyncio.timeout(_STOP_SECONDS):
        while b"\n" not in (content := measured.log.read_bytes()):  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(0.02)
    return content.split(b"\n", 1)[0].decode()
