"""A time limit for work that may ignore its cancellation for a while."""

from __future__ import annotations

import asyncio

import pytest

from shared.util.hard_timeout import HardTimeout

pytestmark = pytest.mark.proves("errors.unreachable-graph-is-503")

LONG = 60.0
SOON = 0.05


async def test_the_result_and_the_exception_of_the_work_are_passed_on() -> None:
    async def succeed() -> int:
        return 1

    async def fail() -> int:
        raise LookupError

    timeout = HardTimeout(LONG)
    assert await timeout.run(succeed()) == 1
    with pytest.raises(LookupError):
        await timeout.run(fail())


async def test_work_that_survives_a_cancellation_is_late_and_cancelled_again() -> None:
    cancellations: list[int] = []
    ended = asyncio.Event()

    async def stubborn() -> None:
        try:
            while True:
                try:
                    await asyncio.sleep(LONG)
                except asyncio.CancelledError:
                    cancellations.append(1)
                    if len(cancellations) == 2:
                        raise
        finally:
            ended.set()

    timeout = HardTimeout(SOON)
    with pytest.raises(TimeoutError):
        await timeout.run(stubborn())
    async with asyncio.timeout(LONG):
        await ended.wait()
    assert len(cancellations) == 2


async def test_a_cancelled_caller_cancels_the_work() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    caller = asyncio.create_task(HardTimeout(LONG).run(work()))
    await started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    async with asyncio.timeout(LONG):
        await cancelled.wait()
