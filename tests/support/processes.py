"""Services in processes of their own, which start in a moment: forked from one that has imported everything.

`python -m tests.support.processes` is that one. It reads one JSON object a line, with the variables of a service to
start and the file for its log; it prints a JSON object with the new process's id and URL.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import shared.chat.assembly  # noqa: F401  # imported once for all processes
from local_server import application
from shared.http.server import bind, create_server, serve_until_stopped
from shared.observability.logs import set_up_logging
from shared.settings import load
from tests.support.aftermath import until
from tests.support.client import Client
from tests.support.mortal_loop import MortalLoop
from tests.support.service import DEVELOPER, token_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

FOR_PYTHON = ("PATH", "HOME", "PYTHONPATH", "LANG", "TMPDIR")
"""The variables of the tests' own environment that a process inherits."""


@dataclass(frozen=True, slots=True)
class Forked:
    """A running service."""

    pid: int
    url: str
    log: Path

    def client(self, email: str = DEVELOPER) -> Client:
        """Return a user's client."""
        return Client(self.url, token_of(email), email)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, as a machine that dies does."""
        self.signal(signal.SIGKILL)

    @property
    def is_running(self) -> bool:
        """Whether the process is there; its parent reaps it as soon as it ends."""
        return Path(f"/proc/{self.pid}").exists() if Path("/proc").exists() else _exists(self.pid)

    async def ended(self, seconds: float) -> None:
        """Wait until it has ended."""
        await until(lambda: not self.is_running, seconds)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Processes:
    """Starts services; use it as a context manager, which kills them all at its end."""

    def __init__(self, variables: Mapping[str, str], directory: Path) -> None:
        self._variables = dict(variables)
        self._directory = directory
        self._running: list[Forked] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        kept = {name: os.environ[name] for name in FOR_PYTHON if name in os.environ}
        command = [sys.executable, "-m", "tests.support.processes"]
        self._parent = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=kept
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._running:
            each.kill()
        self._parent.communicate()

    async def start(self, dies_at: int = 0, /, **changes: str) -> Forked:
        """Start a service; it answers when this returns. It dies before a step of its loop, if one is named."""
        return await asyncio.to_thread(self._start, dies_at, changes)

    def _start(self, dies_at: int, changes: Mapping[str, str]) -> Forked:
        assert self._parent.stdin
        assert self._parent.stdout
        with self._lock:
            log = self._directory / f"service-{len(self._running)}.log"
            order = {"variables": self._variables | dict(changes), "log": str(log), "dies_at": dies_at}
            self._parent.stdin.write(json.dumps(order) + "\n")
            self._parent.stdin.flush()
            started = json.loads(self._parent.stdout.readline())
            self._running.append(Forked(started["pid"], started["url"], log))
            return self._running[-1]


def main() -> None:
    """Fork a service for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            order = json.loads(line)
            _serve(order["variables"], Path(order["log"]), order["dies_at"])


def _serve(variables: Mapping[str, str], log: Path, dies_at: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = 1
    try:
        with log.open("wb", buffering=0) as stream:
            os.dup2(stream.fileno(), 2)
        with asyncio.Runner(loop_factory=lambda: MortalLoop(dies_at)) as runner:
            runner.run(_run(variables))
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


async def _run(variables: Mapping[str, str]) -> None:
    settings = load(variables)
    set_up_logging(settings.log_level, settings.log_format)
    with bind("127.0.0.1", 0) as listening:
        app = application(settings)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        print(json.dumps({"pid": os.getpid(), "url": url}), flush=True)  # noqa: T201  # the parent's parent reads it
        await serve_until_stopped(create_server(app, end_answers=app.state.services.shut_down), listening)


if __name__ == "__main__":
    main()
