"""The service in a process of its own, for tests that kill it: `python -m tests.support.process` with its variables."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from local_server import application
from shared.http.server import bind, serve_until_stopped, server_of
from shared.observability.logs import set_up_logging
from shared.settings import environment, load
from tests.support.client import Client
from tests.support.service import DEVELOPER, token_of

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Mapping

SECONDS = 60
FOR_PYTHON = ("PATH", "HOME", "PYTHONPATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "LANG", "TMPDIR")
"""What a process keeps of the tests' own environment."""


class ServiceProcess:
    """A running service that can be killed and signalled."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.url = url

    def client(self, email: str = DEVELOPER) -> Client:
        """Return a user's client."""
        return Client(self.url, token_of(email), email)

    async def kill(self) -> None:
        """Kill the process, as a machine that dies does."""
        self.process.kill()
        await self.process.wait()

    async def terminate(self) -> int:
        """Ask the process to end; returns its exit status."""
        self.process.terminate()
        async with asyncio.timeout(SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def service_process(variables: Mapping[str, str]) -> AsyncIterator[ServiceProcess]:
    """Run the service with these variables and nothing else of the environment."""
    kept = {name: os.environ[name] for name in FOR_PYTHON if name in os.environ}
    command = (sys.executable, "-m", "tests.support.process")
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, env={**kept, **variables})
    try:
        assert process.stdout is not None
        async with asyncio.timeout(SECONDS):
            url = (await process.stdout.readline()).decode().strip()
        yield ServiceProcess(process, url)
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(SECONDS):
            await process.communicate()


async def serve() -> None:
    """Serve until a signal comes; prints the URL first."""
    settings = load(environment())
    set_up_logging(settings.log_level)
    with bind("127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}{settings.route_prefix}"
        print(url, flush=True)  # noqa: T201  # the test reads it
        await serve_until_stopped(server_of(application(settings)), listening)


if __name__ == "__main__":
    asyncio.run(serve())
