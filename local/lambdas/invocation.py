"""One invocation of a function: its event, and the response as it arrives."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

STREAMED = "application/vnd.awslambda.http-integration-response"
"""The media type of a response that begins with a prelude: status, headers and cookies as JSON, then eight NULs."""
PRELUDE_END = bytes(8)
_MOST_WAITING = 64
"""The pieces of a response that wait for a slow client; then the function waits."""


class FunctionFailed(Exception):
    """The function has reported an error, or it ended or timed out during the invocation."""


class Invocation:
    """An invocation. The Runtime API calls `start`, `begin`, `add` and one of the ends; the caller reads `pieces`."""

    def __init__(self, event: bytes, seconds: float) -> None:
        """Take the event as JSON, and the time that the function may take."""
        self.id = str(uuid4())
        self.trace_id = f"1-5bef4de7-{uuid4().hex[:24]}"
        self.event = event
        self.deadline = 0.0
        """The time at which the invocation must end, in seconds since the epoch; known when it has started."""
        self.started = asyncio.Event()
        self._seconds = seconds
        self.headers: Mapping[str, str] = {}
        """The headers of the response's request, in lower case."""
        self._pieces: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(_MOST_WAITING)
        self._ended = asyncio.Event()
        self._is_unwanted = False

    @property
    def is_streamed(self) -> bool:
        """Whether the response begins with a prelude; otherwise it is one JSON document."""
        return self.headers.get("content-type") == STREAMED

    @property
    def has_ended(self) -> bool:
        """Whether the response, or the attempt to get one, is over."""
        return self._ended.is_set()

    def start(self) -> None:
        """Note that the function gets the event now, from which time on it may take its seconds."""
        self.deadline = time.time() + self._seconds
        self.started.set()

    def begin(self, headers: Mapping[str, str]) -> None:
        """Take the headers of the response's request."""
        self.headers = headers

    async def add(self, piece: bytes) -> None:
        """Take a piece of the response; wait while its reader is slow."""
        if not self._is_unwanted:
            await self._pieces.put(piece)

    async def finish(self, trailers: Mapping[str, str]) -> None:
        """Take the end of the response."""
        kind = trailers.get("lambda-runtime-function-error-type")
        await self._end(FunctionFailed(kind) if kind else None)

    async def fail(self, error: Mapping[str, Any]) -> None:
        """Take the error that the function reports instead of a response."""
        await self._end(FunctionFailed(f"{error.get('errorType')}: {error.get('errorMessage')}"))

    async def break_off(self, reason: str) -> None:
        """End the invocation without the function: it timed out, or its process has ended."""
        if not self.has_ended:
            await self._end(FunctionFailed(reason))

    async def ended(self) -> None:
        """Wait for the end of the response."""
        await self._ended.wait()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the pieces of the response as they arrive. After the reader has gone, the function still goes on.

        Raises:
            FunctionFailed: the response will not be complete.
        """
        try:
            while (piece := await self._pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self._is_unwanted = True
            while not self._pieces.empty():
                self._pieces.get_nowait()

    async def _end(self, error: Exception | None) -> None:
        self._ended.set()
        self.started.set()
        if not self._is_unwanted:
            await self._pieces.put(error)
