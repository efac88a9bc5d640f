"""Random changes that are taken back: the same document, or a refusal with its reason and nothing changed."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.support.documents_schema import KINDS
from tests.support.random_changes import foreign, random_change, random_thing
from tests.support.undo_world import undo_world

if TYPE_CHECKING:
    from shared.domain.ports import ToolOutput
    from shared.domain.receipts import Receipt
    from tests.support.undo_world import UndoWorld


MEDDLED = ("has changed since then", "no longer exists", "exists again")
"""The reasons for which an undo is refused after somebody else has been there."""


async def test_two_hundred_random_changes_are_taken_back_or_refused() -> None:
    async with undo_world() as world:
        ends = Counter([await _try(world, number) for number in range(200)])
    print(dict(ends))  # noqa: T201  # for pytest -s
    assert ends["undone"] > 80, ends
    assert min(ends[end] for end in ("undone", "refused", "changed meanwhile", "remade")) > 3, ends


@pytest.mark.slow
async def test_thousands_of_random_changes_over_http() -> None:
    async with undo_world(over_http=True) as world:
        ends = Counter([await _try(world, number) for number in range(1200)])
    assert ends["undone"] > 500, ends


async def _try(world: UndoWorld, number: int) -> str:
    """Make one random change, take it back, and say how that ended."""
    random = Random(number)  # noqa: S311  # repeatable, for a test
    kind = random.choice(sorted(KINDS))
    key = f"{kind}-of-{number}"
    for things in world.api.things.values():
        things.clear()
    world.api.things[kind][key] = random_thing(random, kind, key)
    world.api.has_etags = random.random() < 0.7
    before = world.state()
    change = random_change(random, kind, key, world.api.things[kind][key])
    output = await world.change(change.tool, **change.arguments)
    after = world.state()
    receipt = output.receipt
    if receipt is None:
        assert after == before or output.is_error, (change, output)
        return "nothing changed"
    meddles = random.random() < 0.15 and _meddle(world, random, kind, receipt)
    if meddles:
        after = world.state()
    undone = await world.undo(receipt)
    if undone.is_error:
        assert world.state() == after, (change, undone)
        _check_reason(undone, meddled=meddles and not receipt.obstacle)
        return "changed meanwhile" if meddles else "refused"
    assert not meddles, (change, undone)
    assert (await world.undo(receipt)).is_error, "undone twice"
    return await _check_undone(world, (before, after), undone, remade=receipt.kind == "removed")


def _meddle(world: UndoWorld, random: Random, kind: str, receipt: Receipt) -> bool:
    """Change, remove or make the thing of a receipt as somebody else would; return whether that was possible."""
    key = receipt.path.rpartition("/")[2]
    things = world.api.things[kind]
    if receipt.kind == "removed":
        things[key] = random_thing(random, kind, key)
    elif key in things and random.random() < 0.3:
        del things[key]
    elif key in things:
        things[key] = foreign(random, things[key])
    else:
        return False
    return True


def _check_reason(undone: ToolOutput, *, meddled: bool) -> None:
    assert isinstance(undone.content, str)
    reasons = MEDDLED if meddled else ("cannot be undone: ",)
    assert any(reason in undone.content for reason in reasons), undone.content


async def _check_undone(world: UndoWorld, states: tuple[object, object], undone: ToolOutput, *, remade: bool) -> str:
    """Check that everything is as before, and that taking back the undo makes the change again."""
    before, after = states
    assert undone.receipt is not None
    if remade and undone.receipt.path.rpartition("/")[2] not in str(before):
        assert "not restored" in str(undone.content)
        return "remade"
    assert world.state() == before, undone
    again = await world.undo(undone.receipt)
    # What was made and removed is made again, with another id if the API chooses it.
    assert again.is_error or world.state() == after or "not restored" in str(again.content), again
    return "undone"
