"""Several worker processes behind one socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

import pytest

from shared.http.server import bind
from shared.http.workers import supervise

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
SECONDS = 30


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
        supervising = asyncio.create_task(supervise(1, listening, command, min_lifetime=0))
        [first] = await workers(port, 1)
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(SECONDS):
            while await a_worker(port) in {0, first}:
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(SECONDS):
            assert await supervising == 0


@pytest.mark.proves("container.workers")
async def test_workers_that_cannot_start_end_the_service() -> None:
    with bind("127.0.0.1", 0) as listening:
        async with asyncio.timeout(SECONDS):
            assert await supervise(2, listening, [sys.executable, "-c", "import sys; sys.exit(3)"]) == 3
