"""Bytes on their way from one task to another, with a bound for those that wait."""

from __future__ import annotations

import asyncio


class BytePipe:
    """A pipe between one writing and one reading task. Bytes that wait for the reader are joined."""

    def __init__(self, most_bytes: int) -> None:
        """Take the number of waiting bytes above which the writer should wait for room."""
        self._most_bytes = most_bytes
        self._pieces: list[bytes] = []
        self.unread = 0
        """The number of bytes that wait for the reader."""
        self._has_ended = False
        self._failure: Exception | None = None
        self._is_abandoned = False
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()

    def write(self, piece: bytes) -> None:
        """Add bytes, without waiting for room. If the reader has gone away, they are dropped."""
        if self._is_abandoned or not piece:
            return
        self._pieces.append(piece)
        self.unread += len(piece)
        _wake(self._news)

    @property
    def is_full(self) -> bool:
        """Whether the writer should wait for room."""
        return self.unread > self._most_bytes

    async def room(self) -> None:
        """Wait until the reader has taken what waits, or has gone away."""
        while self.is_full:
            self._room = self._loop.create_future()
            await self._room

    def end(self, failure: Exception | None = None) -> None:
        """Write no more; the reader gets what waits, and then the failure if there is one."""
        self._has_ended = True
        self._failure = failure
        _wake(self._news)

    async def read(self) -> bytes:
        """Return all bytes that wait, or wait for some; return no bytes at the end.

        Raises: the failure with which the writer has ended.
        """
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self._has_ended or self._is_abandoned:
                return b""
            self._news = self._loop.create_future()
            await self._news
        pieces, self._pieces, self.unread = self._pieces, [], 0
        _wake(self._room)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @property
    def is_at_end(self) -> bool:
        """Whether nothing waits for the reader, and nothing will come."""
        return (self._has_ended or self._is_abandoned) and not self._pieces

    def abandon(self) -> None:
        """Read no more: drop what waits and what is written from now on, so that nobody waits any more."""
        self._is_abandoned = True
        self._pieces, self.unread = [], 0
        _wake(self._room)
        _wake(self._news)


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
