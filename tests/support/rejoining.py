"""Answers that are cut off and joined again."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.support.client import Client

_ID = re.compile(rb"^id: ([0-9a-f]{8})-(\d+)$", re.MULTILINE)


def ids_of(frames: bytes) -> list[int]:
    """Return the numbers of the frames' ids."""
    return [int(number) for _, number in _ID.findall(frames)]


async def rejoined(client: Client, conversation: str, last: str) -> bytes:
    """Join an answer after an event; returns its frames without comments."""
    response = await client.http.get(f"/conversations/{conversation}/stream", headers={"Last-Event-ID": last})
    assert response.status_code in {200, 204}, response.text
    return response.content.replace(b": ping\n\n", b"")


async def first_frames(client: Client, conversation: str, *, prefer: str, frames: int) -> bytes:
    """Ask something, read some frames of the answer, and go away."""
    path = f"/conversations/{conversation}/messages"
    read = b""
    async with client.http.stream("POST", path, json={"content": "Hi"}, headers={"Prefer": prefer}) as response:
        assert response.headers["Preference-Applied"] == "keep-running"
        async for chunk in response.aiter_raw():
            read += chunk
            if read.count(b"\n\n") >= frames:
                break
    return b"".join(frame + b"\n\n" for frame in read.split(b"\n\n")[:-1][:frames])


async def started(client: Client, conversation: str, *, prefer: str, frames: int = 1) -> str:
    """Ask something and go away after some frames; returns the tag of the answer's events."""
    match = _ID.search(await first_frames(client, conversation, prefer=prefer, frames=frames))
    assert match is not None
    return match[1].decode()


class CutAnswer(NamedTuple):
    """An answer that was cut: the frames until then, the rest by another process, and all frames."""

    first: bytes
    second: bytes
    whole: bytes
    conversation: str
    tag: str
    """The beginning of the ids of its events."""


async def cut_and_rejoined(two: tuple[Client, Client], frames: int) -> CutAnswer:
    """Cut an answer of one process after some frames, and join it from another process."""
    conversation = await two[0].begin()
    first = await first_frames(two[0], conversation, prefer="keep-running", frames=frames)
    tag, number = (part.decode() for part in _ID.findall(first)[-1])
    second, whole = await asyncio.gather(*(rejoined(two[1], conversation, f"{tag}-{after}") for after in (number, "0")))
    return CutAnswer(first, second, whole, conversation, tag)
