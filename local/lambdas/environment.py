"""An execution environment: a process of one function with its Runtime API, frozen between invocations.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.lambdas.invocation import Invocation
from local.lambdas.runtime_api import RuntimeApi
from local.lambdas.watched_process import WatchedProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.lambdas.functions import Function

log = logging.getLogger(__name__)

_ROOT = Path(__file__).parent.parent.parent
_WRAPPER = _ROOT / "layer" / "stream"
_PYTHON_RUNTIME = Path(__file__).parent / "python_runtime.py"
_START_SECONDS = 60.0
"""The time that an environment may need until its first invocation can begin."""
_SHUTDOWN_SECONDS = 2.0
"""The time between SIGTERM and SIGKILL, as Lambda has it for functions with an extension."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What is the same for all environments."""

    code: Path = _ROOT
    """The folder with `functions/` and `shared/`."""
    concurrency: int = 1
    """The invocations that an environment of a streaming function handles at a time."""
    is_snap_started: bool = False


class Environment:
    """One environment. `on_change` is called when it can take an invocation, and when its process has ended."""

    def __init__(self, function: Function, platform: Platform, on_change: Callable[[], None]) -> None:
        self.function = function
        self.used_at = time.monotonic()
        self.has_ended = False
        self._platform = platform
        self._on_change = on_change
        # Lambda's own runtime for Python uses a process for each concurrent request.
        self._concurrency = platform.concurrency if function.streams else 1
        self._api = RuntimeApi(function.name, self._concurrency, self._wait)
        self._process: WatchedProcess | None = None
        self._is_ready = False
        self._is_frozen = False
        self._watch: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_free(self) -> bool:
        """Whether the environment can take another invocation now."""
        if self.has_ended:
            return False
        return self._api.queued < (self._api.waiting if self._is_ready else self._concurrency)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs in the environment and nothing waits for it."""
        return self.is_free and not self._api.running and not self._api.queued

    async def start(self) -> None:
        """Start the process."""
        await self._api.__aenter__()
        # The wrapper gets the command line of Lambda's own runtime, of which it takes the Python.
        runtime: list[str | Path] = [sys.executable, "-u", _PYTHON_RUNTIME]
        command = [_WRAPPER, *runtime] if self.function.streams else runtime
        self._process = WatchedProcess(command, self._variables(), self._platform.code)
        self._watch = asyncio.create_task(self._watch_end(self._process))

    def invoke(self, event: bytes) -> Invocation:
        """Hand an invocation to the process, which continues if it was frozen."""
        self._thaw()
        self.used_at = time.monotonic()
        invocation = Invocation(event, self.function.timeout_seconds)
        self._api.put(invocation)
        task = asyncio.create_task(self._bound(invocation))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return invocation

    async def stop(self) -> None:
        """End the process: at once if it is idle, or else after the time in which it can end its answers."""
        self.has_ended = True
        if self._process is not None:
            if self._api.running:
                self._process.signal(signal.SIGTERM)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_SHUTDOWN_SECONDS):
                        await self._process.ended()
            self._process.signal(signal.SIGKILL)
        if self._watch is not None:
            await self._watch
        for task in self._tasks:
            task.cancel()

    async def _bound(self, invocation: Invocation) -> None:
        """End an invocation that takes too long. Lambda kills the whole environment then."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(_START_SECONDS):
                await invocation.started.wait()
            async with asyncio.timeout(self.function.timeout_seconds):
                await invocation.ended()
        except TimeoutError:
            log.warning("%s timed out after %.0f s", self.function.name, time.monotonic() - began)
            await invocation.break_off("the function timed out")
            self._signal(signal.SIGKILL)
        else:
            log.info("%s took %.0f ms", self.function.name, (time.monotonic() - began) * 1000)

    async def _watch_end(self, process: WatchedProcess) -> None:
        """Wait for the end of the process; its invocations end with it."""
        status = await process.ended()
        if not self.has_ended:
            log.warning("an environment of %s has ended with status %s", self.function.name, status)
        self.has_ended = True
        left = [*self._api.running.values(), *self._api.drain()]
        await self._api.aclose()
        for invocation in left:
            await invocation.break_off(f"the environment has ended with status {status}")
        self._on_change()

    def _wait(self) -> None:
        """Note that the process waits for an invocation, and freeze it."""
        self._is_ready = True
        if self._concurrency == 1:
            self._is_frozen = True
            self._signal(signal.SIGSTOP)
        self._on_change()

    def _thaw(self) -> None:
        if self._is_frozen:
            self._is_frozen = False
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.signal(number)

    def _variables(self) -> dict[str, str]:
        """Return the variables that Lambda sets, and those of the function.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
        """
        function, code = self.function, str(self._platform.code)
        concurrency = {"AWS_LAMBDA_MAX_CONCURRENCY": str(self._concurrency)} if self._concurrency > 1 else {}
        return {
            **function.variables,
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            **concurrency,
            "TZ": ":UTC",
            "PYTHONPATH": code,
            "LAMBDA_TASK_ROOT": code,
            "AWS_REGION": "eu-west-1",
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if self._platform.is_snap_started else "on-demand",
            "_HANDLER": function.handler,
        }
