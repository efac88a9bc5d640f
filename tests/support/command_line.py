"""The command line as processes, as a user runs it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

import local_server
from tests.support import forked_programs
from tests.support.forked_programs import Forked
from tests.support.lambda_functions import measured
from tests.support.processes import FOR_PYTHON

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

PROGRAM = Path(local_server.__file__)
SECONDS = 60


def variables_of(**variables: str) -> dict[str, str]:
    return {name: os.environ[name] for name in FOR_PYTHON if name in os.environ} | measured() | variables


def run(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, in a directory without a `.env`."""
    return forked_programs.run(Forked("cli:main", arguments, tmp_path, variables_of(**variables)))


@asynccontextmanager
async def serving(
    tmp_path: Path, *options: str, command: str = "serve", **variables: str
) -> AsyncIterator[tuple[Process, str, list[str]]]:
    """Run the server on a free port until it serves; gives the process, its URL and what it has said."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = (command, "--port", str(port), "--data-dir", str(tmp_path / "data"), *options)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        *arguments,
        cwd=tmp_path,
        env=variables_of(**variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    said: list[str] = []
    serves = asyncio.Event()
    following = asyncio.create_task(_follow(process, said, serves))
    try:
        async with asyncio.timeout(SECONDS):
            await serves.wait()
        yield process, f"http://127.0.0.1:{port}", said
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await following


async def _follow(process: Process, said: list[str], serves: asyncio.Event) -> None:
    """Read what a server says to its end, so that it never waits for a reader."""
    assert process.stderr is not None
    async for line in process.stderr:
        said.append(line.decode().rstrip())
        if "Serving  " in said[-1]:
            serves.set()
    serves.set()


async def answered(url: str) -> bool:
    try:
        async with httpx2.AsyncClient() as http:
            return (await http.get(f"{url}/status")).status_code == 200
    except httpx2.TransportError:
        return False


def processes_of(data: Path) -> str:
    """List the processes that have the data directory in their command line."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True)  # noqa: S607  # the ps that is there
    return "\n".join(line for line in listed.stdout.splitlines() if str(data) in line)
