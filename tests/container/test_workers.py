"""Several worker processes behind one socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.http.server import bind
from shared.http.workers import ATTEMPTS, Pace, supervise

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SERVER = """
import os, signal, socket, sys
server = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    connection, _ = server.accept()
    connection.sendall(b"%d" % os.getpid())
    connection.close()
"""
LOCKING = """
import fcntl, sys
lock = open(sys.argv[1], "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    open(sys.argv[2], "a").write("x")
    sys.exit(3)
sys.argv[1:3] = []
"""
SECONDS = 30
PACE = Pace(min_lifetime=60, first_pause=0.01, longest_pause=0.02)
"""Every death is an early one, and the pauses are short."""


async def a_worker(port: int) -> int:
    """Ask who answers; 0 is a worker that died meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return int(await reader.read() or 0)
    except ConnectionError:
        return 0
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def workers(port: int, count: int) -> set[int]:
    """Wait until so many have answered."""
    seen: set[int] = set()
    async with asyncio.timeout(SECONDS):
        while len(seen) < count:
            seen |= set(await asyncio.gather(*(a_worker(port) for _ in range(10))))
    return seen


@pytest.mark.proves("container.workers")
async def test_workers_share_a_socket_and_stop_together() -> None:
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        supervising = asyncio.create_task(supervise(2, listening, [sys.executable, "-c", SERVER]))
        pids = await workers(port, 2)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(SECONDS):
            assert await supervising == 0
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


@pytest.mark.proves("container.workers")
async def test_a_worker_that_dies_is_replaced() -> None:
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        command = [sys.executable, "-c", SERVER]
        supervising = asyncio.create_task(supervise(1, listening, command, pace=replace(PACE, min_lifetime=0)))
        [first] = await workers(port, 1)
        os.kill(first, signal.SIGKILL)
        await another_than(port, first)
        await stopped(supervising)


async def another_than(port: int, worker: int) -> int:
    """Wait until another worker answers."""
    async with asyncio.timeout(SECONDS):
        while (answering := await a_worker(port)) in {0, worker}:
            pass
    return answering


async def stopped(supervising: asyncio.Task[int]) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(SECONDS):
        assert await supervising == 0


@pytest.mark.proves("container.workers", "container.workers-paused")
async def test_a_worker_that_cannot_start_leaves_the_others_alone(tmp_path: Path) -> None:
    """Of two workers only one can have the lock. The other one dies again and again, until the lock is free."""
    lock, deaths = tmp_path / "lock", tmp_path / "deaths"
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        command = [sys.executable, "-c", LOCKING + SERVER, str(lock), str(deaths)]
        supervising = asyncio.create_task(supervise(2, listening, command, pace=PACE))
        [healthy] = await workers(port, 1)
        async with asyncio.timeout(SECONDS):
            while not deaths.exists() or deaths.stat().st_size < 2 * ATTEMPTS:
                assert await a_worker(port) == healthy
        assert not supervising.done()
        os.kill(healthy, signal.SIGKILL)
        await another_than(port, healthy)
        await stopped(supervising)


@pytest.mark.proves("container.workers")
@pytest.mark.parametrize(
    ("program", "status"),
    [("import sys; sys.exit(3)", 3), ("", 1), ("import os; os.kill(os.getpid(), 9)", 137)],
    ids=["failing", "ending", "killed"],
)
async def test_workers_that_cannot_start_end_the_service(program: str, status: int) -> None:
    with bind("127.0.0.1", 0) as listening:
        async with asyncio.timeout(SECONDS):
            assert await supervise(2, listening, [sys.executable, "-c", program], pace=PACE) == status


@pytest.mark.proves("container.workers")
async def test_a_program_that_is_not_there_ends_the_service() -> None:
    with bind("127.0.0.1", 0) as listening:
        async with asyncio.timeout(SECONDS):
            assert await supervise(2, listening, ["/no/such/program"], pace=PACE) == 1


@pytest.mark.proves("container.workers")
async def test_a_pause_ends_with_the_service() -> None:
    with bind("127.0.0.1", 0) as listening:
        pace = Pace(min_lifetime=60, first_pause=3600, longest_pause=3600)
        supervising = asyncio.create_task(supervise(1, listening, [sys.executable, "-c", ""], pace=pace))
        await asyncio.sleep(0.5)  # most of these runs stop in the pause, the others before it
        await stopped(supervising)


@pytest.mark.proves("container.workers-paused")
def test_pauses_grow_to_a_bound() -> None:
    pace = Pace()
    pauses = [pace.pause(deaths) for deaths in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10**6)]
    assert pauses == [0, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]
