"""An event loop in a thread of its own, for services that outlive the loops of single tests."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from shared.http.server import running

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager

    from starlette.types import ASGIApp

T = TypeVar("T")

SECONDS = 60
"""How long anything in the background may take; a first database is made in less."""


@contextmanager
def background_loop(name: str) -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread; what is still under way in it at the end is cancelled."""
    started: Future[asyncio.AbstractEventLoop] = Future()
    stop = asyncio.Event()

    async def run() -> None:
        started.set_result(asyncio.get_running_loop())
        await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name=name, daemon=True)
    thread.start()
    loop = started.result(SECONDS)
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(SECONDS)


def run_in(loop: asyncio.AbstractEventLoop, work: Coroutine[None, None, T]) -> T:
    """Run a coroutine in a loop of another thread and wait for it."""
    return asyncio.run_coroutine_threadsafe(work, loop).result(SECONDS)


@contextmanager
def entered(context: AbstractAsyncContextManager[T], name: str) -> Iterator[T]:
    """Hold an asynchronous context open in the background, entered and left by one task of one loop."""
    ready: Future[T] = Future()
    leave = asyncio.Event()

    async def hold() -> None:
        try:
            async with context as value:
                ready.set_result(value)
                await leave.wait()
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    with background_loop(name) as loop:
        holding = asyncio.run_coroutine_threadsafe(hold(), loop)
        try:
            yield ready.result(SECONDS)
        finally:
            loop.call_soon_threadsafe(leave.set)
            holding.result(SECONDS)


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve an application under a real server in the background; returns its URL."""
    with entered(running(app), "served") as url:
        yield url
