"""The log of frames that answers send, while many answers end and others go on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.chat.frame_log import AnswerFrames, FrameLog
from shared.domain.models import Lease
from shared.graph.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import JsonObject

MANY = 50


class BusyFrames(Frames):
    """Frames in memory; another answer sends one more frame while any are stored."""

    def __init__(self) -> None:
        self.stored: list[JsonObject] = []
        self.writings = 0
        self.talkative: AnswerFrames | None = None

    async def store(self, rows: Sequence[JsonObject]) -> None:
        self.writings += 1
        await asyncio.sleep(0)
        self.stored += rows
        if self.talkative is not None:
            self.talkative.add(b"data: more\n\n")


@pytest.mark.proves("rejoin.parts")
async def test_answers_that_end_at_once_are_written_at_once_while_another_goes_on() -> None:
    frames = BusyFrames()
    log = FrameLog(frames)
    frames.talkative = opened(log)
    ending = [opened(log) for _ in range(MANY)]
    await asyncio.gather(*(each.close() for each in ending))
    assert {str(row["answer"]) for row in frames.stored if row["is_last"]} == {each.answer for each in ending}
    assert frames.writings <= 2
    frames.talkative = None
    await log.aclose()


def opened(log: FrameLog) -> AnswerFrames:
    frames = log.open(Lease(uuid4(), uuid4()), is_kept=True)
    frames.add(b"data: word\n\n")
    return frames
