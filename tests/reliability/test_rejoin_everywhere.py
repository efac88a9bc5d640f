"""An answer may be cut at every one of its frames, and joined again from another process.

Each of the answers is cut once while it runs, after a random frame. Then another process joins it after every frame.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import Reply, error, reply, text, thinking, tool
from tests.support.rejoining import CutAnswer, cut_and_rejoined, rejoined

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.model_server import ModelServer

ANSWERS = 200
WORDS = ("Hello", " \n\n", "🦜", "data: {}\n\nevent: done", "id: 1", "Ü", "\\", '"')


def some_answer(chance: random.Random) -> list[Reply]:
    """Make the replies of an answer: some rounds with browser tools, and an end that may be a failure."""
    rounds = [
        reply(*words(chance), tool("navigate_to", {"path": f"/{number}"}), *chance.choice([(), (tool("no_such"),)]))
        for number in range(chance.randint(0, 2))
    ]
    ends = ([reply(*words(chance))], [reply()], [reply(text("Hel"), error("overloaded_error"))])
    return [*rounds, *chance.choice(ends)]


def words(chance: random.Random) -> list[Any]:
    """Make the texts and thoughts of a reply."""
    pieces = [chance.choice(WORDS) for _ in range(chance.randint(1, 4))]
    return [*chance.choice([(), (thinking("Hm"),)]), text("So", *pieces)]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.proves("rejoin.parts")
async def test_random_answers_are_whole_wherever_they_are_cut(
    two: tuple[Client, Client], model_server: ModelServer
) -> None:
    chance = random.Random(13)  # noqa: S311  # reproducible
    frames = 0
    for number in range(ANSWERS):
        model_server.clear()
        model_server.script(*some_answer(chance))
        cut = await cut_and_rejoined(two, chance.randint(1, 25))
        assert cut.first + cut.second == cut.whole, f"answer {number}"
        assert cut.whole.count(b"\nevent: done\n") + cut.whole.count(b"\nevent: error\n") == 1
        frames += await check_every_frame(two[1], cut, f"answer {number}")
    print(f"{ANSWERS} answers were joined again after each of {frames:,} frames")  # noqa: T201  # `pytest -s` shows it


async def check_every_frame(client: Client, cut: CutAnswer, name: str) -> int:
    """Join an answer after each of its frames: both parts equal the whole. Returns how many frames there are."""
    frames = [frame + b"\n\n" for frame in cut.whole.split(b"\n\n")[:-1]]
    rests = await asyncio.gather(
        *(rejoined(client, cut.conversation, f"{cut.tag}-{number}") for number in range(len(frames) + 1))
    )
    for number, rest in enumerate(rests):
        assert b"".join(frames[:number]) + rest == cut.whole, f"{name}, frame {number}"
    return len(frames)
