"""The followers of running answers: one regular query reads the new frames for all clients of this process."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared.domain.errors import GraphError, TooManyStreams

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence

    from shared.graph.frames import FrameRow, Frames, Place

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_GRACE_SECONDS = 4.0
"""The time after the end of a lease in which its holder, if it lives, renews it or writes its last frames."""
_UNREADABLE_SECONDS = 15.0
"""The time for which the database may be unavailable before the clients are told so."""


class AnswerGone(Exception):
    """The answer's process writes no more frames, although the last frame is missing."""


class FollowingEnded(Exception):
    """The frames cannot be read now."""


@dataclass(eq=False, slots=True)
class _Follower:
    place: Place
    rows: asyncio.Queue[Sequence[FrameRow] | Exception] = field(default_factory=asyncio.Queue)
    gone_since: float | None = None

    def take(self, rows: Sequence[FrameRow], *, is_held: bool) -> None:
        """Take the result of a query."""
        if rows:
            self.place = replace(self.place, after=rows[-1].last)
            self.gone_since = None
            self.rows.put_nowait(rows)
        elif is_held:
            self.gone_since = None
        elif self.gone_since is None:
            self.gone_since = time.monotonic()
        elif time.monotonic() - self.gone_since > _GRACE_SECONDS:
            self.rows.put_nowait(AnswerGone())


class Followers:
    """All clients of this process that follow an answer."""

    def __init__(self, frames: Frames, limit: int) -> None:
        self._frames = frames
        self._limit = limit
        self._followers: set[_Follower] = set()
        self._reader: asyncio.Task[None] | None = None
        self._read_at = 0.0

    def check_limit(self) -> None:
        """Check that another client may follow an answer.

        Raises:
            TooManyStreams: too many follow answers in this process.
        """
        if len(self._followers) >= self._limit:
            raise TooManyStreams

    async def follow(self, place: Place) -> AsyncGenerator[bytes, None]:
        """Yield the frames after a place until the answer has ended.

        Raises:
            AnswerGone: the answer's process has died, or it could not write its last frames.
            FollowingEnded: the database is unavailable, or this process stops.
        """
        follower = _Follower(place)
        self._followers.add(follower)
        self._start_reader()
        try:
            while True:
                rows = await follower.rows.get()
                if isinstance(rows, Exception):
                    raise rows
                for row in rows:
                    for frame in _frames_after(row, place.after):
                        yield frame
                    if row.is_last:
                        return
        finally:
            self._followers.discard(follower)

    def end_all(self) -> None:
        """End every following, because this process stops."""
        for follower in self._followers:
            follower.rows.put_nowait(FollowingEnded())

    async def aclose(self) -> None:
        """Stop reading."""
        self.end_all()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait({self._reader})

    def _start_reader(self) -> None:
        if self._reader is None or self._reader.done():
            self._read_at = time.monotonic()
            self._reader = asyncio.create_task(self._read_regularly())

    async def _read_regularly(self) -> None:
        while self._followers:
            # A client that is slow to read gets no more rows meanwhile, so memory use stays bounded.
            waiting = {str(number): each for number, each in enumerate(self._followers) if each.rows.empty()}
            has_more = await self._read(waiting) if waiting else False
            if not has_more:
                await asyncio.sleep(_POLL_SECONDS)

    async def _read(self, waiting: Mapping[str, _Follower]) -> bool:
        try:
            held, found, has_more = await self._frames.read({key: each.place for key, each in waiting.items()})
        except GraphError as error:
            log.warning("the frames of answers could not be read: %s", type(error).__name__)
            if time.monotonic() - self._read_at > _UNREADABLE_SECONDS:
                self.end_all()
            return False
        self._read_at = time.monotonic()
        for key, follower in waiting.items():
            rows = found.get(key, ())
            # If the result was cut, a follower without rows may have some.
            follower.take(rows, is_held=has_more or follower.place.answer in held)
        return has_more


def _frames_after(row: FrameRow, after: int) -> Iterator[bytes]:
    frames = row.frames.encode().split(b"\n\n")[:-1]
    return (frame + b"\n\n" for number, frame in enumerate(frames, row.first) if number > after)
