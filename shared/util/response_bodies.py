"""The bodies of HTTP responses, read to their ends so that their connections serve further requests.

A connection is only reusable after the whole body was read, and it is lost if the read is cancelled. So a task of its
own reads each body, and its consumer may stop at any time.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Self

from shared.util.byte_pipe import BytePipe

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    import httpx2

REST_SECONDS = 2.0
"""The time in which the rest of a body may arrive that is known to be short."""
_REST_BYTES = 65_536
_MOST_UNREAD_BYTES = 131_072
"""The reader pauses if this number of bytes waits for the consumer."""


class ResponseBody:
    """The decoded body of one response, as an async iterator of bytes; pieces that wait are joined."""

    def __init__(self, response: httpx2.Response, tasks: set[asyncio.Task[None]]) -> None:
        self._response = response
        self._pipe = BytePipe(_MOST_UNREAD_BYTES)
        self._rest_bytes: int | None = None
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._read())
        tasks.add(self._task)
        self._task.add_done_callback(tasks.discard)

    @property
    def unread(self) -> int:
        """The number of bytes that wait for the consumer."""
        return self._pipe.unread

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the bytes that have arrived since the last call, or wait for some.

        Raises:
            StopAsyncIteration: the body was read to its end.
            httpx2.HTTPError: the connection failed.
        """
        if piece := await self._pipe.read():
            return piece
        raise StopAsyncIteration

    def release(self, seconds: float) -> None:
        """Consume no more. The rest is read in the background; if it is not short, the connection is closed."""
        if self._rest_bytes is not None or self._task.done():
            return
        self._rest_bytes = _REST_BYTES
        self._pipe.abandon()
        timer = self._loop.call_later(seconds, self._task.cancel)
        self._task.add_done_callback(lambda _: timer.cancel())

    async def _read(self) -> None:
        failure: Exception | None = None
        try:
            async with aclosing(self._response), aclosing(self._response.aiter_bytes()) as pieces:
                async for piece in pieces:
                    if self._rest_bytes is None:
                        self._pipe.write(piece)
                        if self._pipe.is_full:
                            await self._pipe.room()
                    elif (rest := self._rest_bytes - len(piece)) >= 0:
                        self._rest_bytes = rest
                    else:
                        break
        except Exception as error:  # noqa: BLE001  # the consumer raises it
            failure = error
        finally:
            self._pipe.end(failure)


class ResponseBodies:
    """The bodies of one client's responses."""

    def __init__(self) -> None:
        self._reading: set[asyncio.Task[None]] = set()

    @property
    def reading(self) -> AbstractSet[asyncio.Task[None]]:
        """The tasks that are reading a body."""
        return self._reading

    def open(self, response: httpx2.Response) -> ResponseBody:
        """Begin to read the body of a response that was requested as a stream."""
        return ResponseBody(response, self._reading)

    def discard(self, response: httpx2.Response) -> None:
        """Read a body in the background that nobody needs, if it is short; else close its connection."""
        self.open(response).release(REST_SECONDS)

    async def aclose(self) -> None:
        """Stop reading, and close the connections of what was being read."""
        tasks = list(self._reading)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
