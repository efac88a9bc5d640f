"""The log of the frames that answers send, written in one statement for all answers of this process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from shared.domain.errors import GraphError, GraphUnavailable
from shared.graph.frames import TAG_LENGTH

if TYPE_CHECKING:
    from shared.domain.models import JsonObject, Lease
    from shared.graph.frames import Frames

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 0.2
_CLOSE_SECONDS = 2.0
_PRUNE_SECONDS = 60.0
_ROW_BYTES = 32_768
_MOST_PENDING_BYTES = 262_144
"""An answer with more frames than this waits until they are written. If that fails, they are written no more."""


class AnswerFrames:
    """The frames of one answer. Each gets an id: the answer's tag and the frame's number, which counts from 1."""

    def __init__(self, log_: FrameLog, lease: Lease, *, is_kept: bool) -> None:
        """Take the answer's lease; the frames of a kept answer are stored even if it ends before the first writing."""
        self.answer = str(lease.holder)
        self._log = log_
        self._conversation_id = str(lease.conversation_id)
        self._tag = self.answer[:TAG_LENGTH].encode()
        self._is_kept = is_kept
        self._number = 0
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._is_closed = False
        self.is_done = False

    def add(self, frame: bytes) -> bytes:
        """Add a frame; return it with its id."""
        self._number += 1
        numbered = b"id: %b-%d\n%b" % (self._tag, self._number, frame)
        if not self.is_done:
            self._pending.append(numbered)
            self._pending_bytes += len(numbered)
        return numbered

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be written that the answer must wait."""
        return self._pending_bytes > _MOST_PENDING_BYTES

    async def make_room(self) -> None:
        """Write the frames, so that memory use stays bounded."""
        while self.is_full and await self._log.write_for(self):
            pass
        if self.is_full:
            self.give_up()

    async def close(self) -> None:
        """End the log and wait, for a limited time, until it is written."""
        self._is_closed = True
        if not self._is_kept:
            # Nothing was written yet, so nobody follows. The stored messages tell the whole answer.
            self.give_up()
            return
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                while await self._log.write_for(self):
                    pass
        except TimeoutError:
            log.warning("the frames of an answer could not be written in time")

    def give_up(self) -> None:
        """Write no more frames."""
        self.is_done = True
        self._pending.clear()
        self._pending_bytes = 0
        self._log.forget(self)

    def next_row(self) -> tuple[JsonObject, int] | None:
        """Return a row of frames that are not written yet, and their number; None if there are none."""
        if self.is_done or not (self._pending or self._is_closed):
            return None
        self._is_kept = True
        frames: list[bytes] = []
        size = 0
        for frame in self._pending:
            size += len(frame)
            if frames and size > _ROW_BYTES:
                break
            frames.append(frame)
        first = self._number - len(self._pending) + 1
        is_last = self._is_closed and len(frames) == len(self._pending)
        row: JsonObject = {
            "answer": self.answer,
            "conversation_id": self._conversation_id,
            "first": first,
            # The end has a number of its own, so that it is a row even if no frame is left.
            "last": first + len(frames) - 1 + is_last,
            "frames": b"".join(frames).decode(),
            "is_last": is_last,
        }
        return row, len(frames)

    def note_written(self, row: JsonObject, count: int) -> None:
        """Remember that a row of so many frames is written."""
        for _ in range(min(count, len(self._pending))):
            self._pending_bytes -= len(self._pending.popleft())
        if row["is_last"]:
            self.give_up()


class FrameLog:
    """Writes the frames of all answers of this process, every 200 ms."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._open: set[AnswerFrames] = set()
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None
        self._pruned_at = time.monotonic()

    def open(self, lease: Lease, *, is_kept: bool) -> AnswerFrames:
        """Begin the log of an answer."""
        frames = AnswerFrames(self, lease, is_kept=is_kept)
        self._open.add(frames)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_regularly())
        return frames

    def forget(self, frames: AnswerFrames) -> None:
        """Remove the log of an answer that is written."""
        self._open.discard(frames)

    async def write_for(self, frames: AnswerFrames) -> bool:
        """Write rows until some of an answer are written; return False if none is left, or the writing failed.

        Answers that end at the same time take turns. The first one writes the rows of all, so the others find theirs
        written, and none waits for frames that other answers go on to send.
        """
        async with self._writing:
            return not frames.is_done and await self._write_rows()

    async def flush(self) -> None:
        """Write all frames that are not written yet. A failure is logged; the next call tries again."""
        is_going_on = True
        while is_going_on:
            async with self._writing:
                is_going_on = await self._write_rows()

    async def _write_rows(self) -> bool:
        """Write a row of each answer that has frames; return False if none has any, or the writing failed."""
        rows = [(each, *found) for each in self._open if (found := each.next_row()) is not None]
        if not rows:
            return False
        try:
            await self._frames.store([row for _, row, _ in rows])
        except GraphUnavailable:
            log.warning("the frames of answers could not be written in time")
            return False
        except GraphError as error:
            # Probably `setup` was not run after an upgrade. The answers go on, but cannot be joined again.
            log.warning("the frames of answers could not be written: %s", error)
            for each, *_ in rows:
                each.give_up()
            return False
        for each, row, count in rows:
            each.note_written(row, count)
        return True

    async def aclose(self) -> None:
        """Write what is left, and stop."""
        await self.flush()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})

    async def _write_regularly(self) -> None:
        while self._open:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self.flush()
            if time.monotonic() - self._pruned_at > _PRUNE_SECONDS:
                self._pruned_at = time.monotonic()
                await self._prune()

    async def _prune(self) -> None:
        try:
            await self._frames.prune()
        except GraphError as error:
            log.warning("old frames could not be deleted: %s", type(error).__name__)
