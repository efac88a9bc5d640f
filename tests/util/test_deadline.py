"""Waits that are bounded one after another with one timer."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from shared.util.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator

SOON = 0.02
LONG = 60.0


@contextmanager
def new_deadline() -> Iterator[Deadline]:
    deadline = Deadline()
    try:
        yield deadline
    finally:
        deadline.close()


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_wait_that_is_too_long_is_ended() -> None:
    with new_deadline() as deadline, pytest.raises(TimeoutError), deadline.within(SOON):
        await forever()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_waits_that_end_in_time_are_left_alone_however_many_they_are() -> None:
    with new_deadline() as deadline:
        async with asyncio.timeout(LONG):
            for _ in range(20):
                with deadline.within(SOON * 4):
                    await asyncio.sleep(SOON)


async def test_work_between_two_waits_is_not_limited() -> None:
    with new_deadline() as deadline:
        for _ in range(2):
            with deadline.within(SOON):
                await asyncio.sleep(0)
            await asyncio.sleep(SOON * 2)


@pytest.mark.parametrize(("first", "second"), [(LONG, SOON), (SOON, SOON * 2)])
async def test_each_wait_has_its_own_length(first: float, second: float) -> None:
    with new_deadline() as deadline:
        with deadline.within(first):
            await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError), deadline.within(second):
            await forever()
        assert asyncio.get_running_loop().time() - began >= second * 0.9


async def test_it_can_be_used_again_after_it_has_run_out() -> None:
    with new_deadline() as deadline:
        for _ in range(3):
            with pytest.raises(TimeoutError), deadline.within(SOON):
                await forever()


async def test_a_task_that_is_cancelled_is_cancelled() -> None:
    async def wait() -> None:
        with new_deadline() as deadline, deadline.within(LONG):
            await forever()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_failure_passes_through() -> None:
    with new_deadline() as deadline, pytest.raises(KeyError), deadline.within(LONG):
        raise KeyError
