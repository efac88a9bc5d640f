"""Uvicorn servers: set up, run, and stopped by a signal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import uvicorn

from shared.http.bounded_protocol import ConnectionLimits, protocol_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator

    from starlette.types import ASGIApp

T = TypeVar("T")

log = logging.getLogger(__name__)

GRACE_SECONDS = 10
"""The time that a stopping server waits for its requests to end."""
_FORCED_GRACE_SECONDS = 1.0
"""The same for a server that must stop at once."""
_POLL_SECONDS = 0.1


class GracefulServer(uvicorn.Server):
    """A server that installs no signal handlers, and that ends the running answers before it closes connections."""

    def __init__(self, config: uvicorn.Config, end_answers: Callable[[float], Awaitable[None]] | None = None) -> None:
        super().__init__(config)
        logging.getLogger("uvicorn.error").addFilter(_is_not_cancellation)
        self._end_answers = end_answers
        self._stopped = asyncio.Event()

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server; call this in its loop. If it stops `at_once`, it hardly waits for its requests."""
        self.force_exit = self.force_exit or at_once
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        """Run until the server is stopped. uvicorn's own loop would notice that at its next tick only."""
        ticking = asyncio.ensure_future(super().main_loop())
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({ticking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if ticking.done():
                ticking.result()
        finally:
            ticking.cancel()
            stopped.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, end the answers, and then stop as uvicorn does."""
        if self._end_answers is not None:
            log.info("the service is stopping, as requested; the running answers end")
        for server in self.servers:
            server.close()
        await self._end_answers_in_time()
        if not self.force_exit:
            await super().shutdown(sockets)
        if self.force_exit:
            # uvicorn skips the rest if a second signal comes, and the open requests would end with tracebacks.
            await self._leave()

    async def _leave(self) -> None:
        """Close the connections, and let the requests end if they can do so in a moment."""
        for connection in list(self.server_state.connections):
            connection.shutdown()
        requests = set(self.server_state.tasks)
        if requests:
            await asyncio.wait(requests, timeout=_FORCED_GRACE_SECONDS)
        await self.lifespan.shutdown()

    async def _end_answers_in_time(self) -> None:
        """End the answers; stop waiting for them when a second signal comes."""
        if self._end_answers is None:
            return
        ending = asyncio.ensure_future(self._end_answers(GRACE_SECONDS / 2))
        while not ending.done() and not self.force_exit:
            await asyncio.wait({ending}, timeout=_POLL_SECONDS)
        ending.cancel()
        await asyncio.wait({ending})


def _is_not_cancellation(record: logging.LogRecord) -> bool:
    """Return whether a log record is about something other than a cancelled request."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, asyncio.CancelledError)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address. Port 0 lets the system choose.

    Raises:
        OSError: the address is in use, or it is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=1024)
    # The connections inherit this option. asyncio sets it only on sockets whose protocol is IPPROTO_TCP, and the
    # protocol of these is 0. Without it, Nagle's algorithm delays each short piece by about 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def create_server(
    app: ASGIApp,
    *,
    log_level: str | None = None,
    end_answers: Callable[[float], Awaitable[None]] | None = None,
    limits: ConnectionLimits | None = None,
) -> GracefulServer:
    """Create a server for an application; without a log level the present logging configuration stays.

    Requests that stay incomplete are refused after the times of `limits`.
    At shutdown `end_answers` is called with the number of seconds that it may take.
    """
    config = uvicorn.Config(
        app,
        http=protocol_with(limits or ConnectionLimits()),
        ws="none",
        log_config=None,
        log_level=log_level,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
    )
    return GracefulServer(config, end_answers)


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a free port of the loopback interface, and yield its URL."""
    listening = bind("127.0.0.1", 0)
    server = create_server(app, log_level="warning")
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.stop(at_once=True)
        await serving


def run(main: Coroutine[object, object, T]) -> T:
    """Run a coroutine as `asyncio.run` does, in uvicorn's event loop: uvloop if it is installed."""
    # Without `log_config=None`, this would set up logging handlers of uvicorn's own.
    with asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()) as runner:
        return runner.run(main)


async def serve_until_stopped(server: GracefulServer, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM. A second signal stops the server without waiting for answers."""

    def stop() -> None:
        server.stop(at_once=server.should_exit)

    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
    await server.serve([listening])
