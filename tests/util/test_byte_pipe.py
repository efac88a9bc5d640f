"""A pipe joins what waits, holds its writer back, and lets nobody wait for a side that has gone away."""

from __future__ import annotations

import asyncio

import pytest

from shared.util.byte_pipe import BytePipe

SECONDS = 20


async def test_what_waits_is_read_in_one_piece_and_the_end_is_empty() -> None:
    pipe = BytePipe(100)
    for piece in (b"one, ", b"", b"two"):
        pipe.write(piece)
    assert (await pipe.read(), pipe.is_at_end) == (b"one, two", False)
    pipe.write(b"three")
    pipe.end()
    assert (await pipe.read(), pipe.is_at_end) == (b"three", True)
    assert await pipe.read() == b""


async def test_a_reader_is_woken_by_bytes_by_the_end_and_by_leaving() -> None:
    for wake, read in ((lambda pipe: pipe.write(b"x"), b"x"), (BytePipe.end, b""), (BytePipe.abandon, b"")):
        pipe = BytePipe(100)
        reading = asyncio.ensure_future(pipe.read())
        await asyncio.sleep(0)
        assert not reading.done()
        wake(pipe)
        assert await asyncio.wait_for(reading, SECONDS) == read


async def test_a_failure_comes_after_the_bytes_before_it() -> None:
    pipe = BytePipe(100)
    pipe.write(b"begun")
    pipe.end(ConnectionError("lost"))
    assert await pipe.read() == b"begun"
    with pytest.raises(ConnectionError):
        await pipe.read()


@pytest.mark.parametrize("goes_away", [False, True])
async def test_a_writer_waits_until_its_bytes_are_taken_or_nobody_takes_them(goes_away: bool) -> None:  # noqa: FBT001  # pytest passes it by name
    pipe = BytePipe(3)
    pipe.write(b"four")
    waiting = asyncio.ensure_future(pipe.room())
    await asyncio.sleep(0)
    assert pipe.is_full
    assert not waiting.done()
    if goes_away:
        pipe.abandon()
    else:
        assert await pipe.read() == b"four"
    await asyncio.wait_for(waiting, SECONDS)
    assert pipe.unread == 0


async def test_nothing_is_kept_for_a_reader_that_has_gone_away() -> None:
    pipe = BytePipe(3)
    pipe.abandon()
    pipe.write(b"more than three")
    assert (pipe.unread, pipe.is_full, pipe.is_at_end) == (0, False, True)
