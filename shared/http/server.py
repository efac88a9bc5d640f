"""Uvicorn servers in one event loop, stopped by one signal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator

    from starlette.types import ASGIApp

T = TypeVar("T")

GRACE_SECONDS = 10
"""How long a stopping server waits for its answers to end."""
_LAST_SECONDS = 1.0
"""How long one that is to stop at once waits."""
_TICK_SECONDS = 0.1


class QuietServer(uvicorn.Server):
    """A server that leaves the process's signals to whoever runs it, and ends its answers before its connections."""

    def __init__(self, config: uvicorn.Config, end_answers: Callable[[float], Awaitable[None]] | None = None) -> None:
        super().__init__(config)
        logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
        self._end_answers = end_answers

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, end the answers, then everything else."""
        for server in self.servers:
            server.close()
        await self._end()
        await super().shutdown(sockets)
        if self.force_exit:
            # Uvicorn leaves this out then, and what is still open would be torn down with tracebacks.
            requests = set(self.server_state.tasks)
            if requests:
                await asyncio.wait(requests, timeout=_LAST_SECONDS)
            await self.lifespan.shutdown()

    async def _end(self) -> None:
        """End the answers, until that is done or a second signal comes."""
        if self._end_answers is None:
            return
        ending = asyncio.ensure_future(self._end_answers(GRACE_SECONDS / 2))
        while not ending.done() and not self.force_exit:
            await asyncio.wait({ending}, timeout=_TICK_SECONDS)
        ending.cancel()
        await asyncio.wait({ending})


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Tell a request that was cancelled from one that failed."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, asyncio.CancelledError)


def bind(host: str, port: int) -> socket.socket:
    """Take an address before anything else is started.

    Raises:
        OSError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=1024)
    # Connections inherit it. asyncio sets it only on sockets that say that they are TCP's, which these do not, and
    # without it each short piece waits some 40 ms for the one before to be acknowledged.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def server_of(
    app: ASGIApp,
    *,
    log_level: str | None = None,
    end_answers: Callable[[float], Awaitable[None]] | None = None,
) -> QuietServer:
    """Make a server of an application; without a log level it keeps the logging that is set up.

    `end_answers` is called at the shutdown with the seconds that it may take.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=log_level,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
    )
    return QuietServer(config, end_answers)


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a loopback port of the system's choice; gives its URL."""
    listening = bind("127.0.0.1", 0)
    server = server_of(app, log_level="warning")
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await serving


def run(main: Coroutine[object, object, T]) -> T:
    """Run a coroutine as `asyncio.run` does, in the event loop that uvicorn prefers: uvloop where there is one."""
    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
        return runner.run(main)


async def serve_until_stopped(server: QuietServer, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; a second one does not wait for answers to end."""

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
    await server.serve([listening])
