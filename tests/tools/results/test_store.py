"""Long results that are stored so that the model can read on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from shared.domain.errors import ToolError
from shared.tools.results.store import ResultStore

RECORDS = [{"id": number, "name": "x" * 30} for number in range(50)]
TEXT = json.dumps(RECORDS, separators=(",", ":"))
ANN, BOB = "ann@example.com", "bob@example.com"


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def parts(text: str) -> tuple[str, str]:
    shown, _, notice = text.rpartition("\n\n[")
    return shown, notice


def following(notice: str) -> tuple[str, int]:
    """Return the id and the offset in a notice."""
    found = re.search(r"read_result (\{.*\})", notice)
    assert found
    arguments = json.loads(found[1])
    return arguments["id"], arguments["offset"]


async def test_what_fits_is_left_alone_and_not_kept() -> None:
    results = ResultStore()
    assert await results.cut(ANN, "c1", TEXT, len(TEXT)) == await results.cut(ANN, "c1", TEXT, 0) == TEXT
    with pytest.raises(ToolError, match="no longer stored"):
        await results.read(ANN, "c1", 0, 100)


async def test_a_long_list_can_be_read_to_its_end_by_what_each_notice_says() -> None:
    results = ResultStore()
    shown, notice = parts(await results.cut(ANN, "c1", TEXT, 500))
    assert notice.startswith(f"This result was cut: it has {len(TEXT):,} characters; elements 0 to ")
    assert "narrower call" in notice
    read = json.loads(shown)
    offset = 0
    while "read_result" in notice:
        call_id, offset = following(notice)
        assert offset == len(read)
        shown, notice = parts(await results.read(ANN, call_id, offset, 500))
        assert len(shown) <= 500
        read += json.loads(shown)
    assert read == RECORDS
    assert notice == f"This is the end of the result: elements {offset} to 49 of 50.]"


async def test_other_text_is_read_by_characters() -> None:
    results = ResultStore()
    text = "\n".join(f"line {number}" for number in range(1_000))
    shown, notice = parts(await results.cut(ANN, "c1", text, 300))
    read = shown
    while "read_result" in notice:
        assert following(notice) == ("c1", len(read))
        shown, notice = parts(await results.read(ANN, "c1", len(read), 300))
        read += shown
    assert read == text


async def test_an_element_that_does_not_fit_is_cut_and_passed_by() -> None:
    results = ResultStore()
    text = json.dumps(["a", "b" * 500, "c"], separators=(",", ":"))
    assert following(await results.cut(ANN, "c1", text, 100)) == ("c1", 1)
    shown, notice = parts(await results.read(ANN, "c1", 1, 100))
    assert (len(shown), shown[-1], following(notice)) == (100, "…", ("c1", 2))
    assert parts(await results.read(ANN, "c1", 2, 100))[0] == '["c"]'


async def test_nobody_reads_what_another_ones_call_gave() -> None:
    results = ResultStore()
    results.add(ANN, "c1", TEXT)
    with pytest.raises(ToolError, match="Call the tool"):
        await results.read(BOB, "c1", 0, 100)


@pytest.mark.parametrize("offset", [-1, 50, 10_000])
async def test_an_offset_outside_is_refused_with_what_would_be_right(offset: int) -> None:
    results = ResultStore()
    results.add(ANN, "c1", TEXT)
    with pytest.raises(ToolError, match="less than 50, the number of elements"):
        await results.read(ANN, "c1", offset, 500)


async def test_after_a_while_nothing_is_kept() -> None:
    clock = Clock()
    results = ResultStore(max_age=900, clock=clock)
    results.add(ANN, "c1", TEXT)
    clock.now += 899
    assert await results.read(ANN, "c1", 0, 500)
    clock.now += 2
    with pytest.raises(ToolError, match="no longer stored"):
        await results.read(ANN, "c1", 0, 500)


async def test_what_was_read_longest_ago_makes_room() -> None:
    results = ResultStore(max_bytes=3_000)
    results.add(ANN, "c1", "a" * 1_000)
    results.add(ANN, "c2", "b" * 1_000)
    await results.read(ANN, "c1", 0, 10)
    results.add(ANN, "c3", "c" * 1_000)
    assert (await results.read(ANN, "c1", 0, 1_000)).startswith("aaa")
    with pytest.raises(ToolError):
        await results.read(ANN, "c2", 0, 10)
    results.add(ANN, "c4", "d" * 4_000)
    assert (await results.read(ANN, "c3", 0, 1_000)).startswith("ccc")
    with pytest.raises(ToolError):
        await results.read(ANN, "c4", 0, 10)


async def test_keeping_again_replaces() -> None:
    results = ResultStore(max_bytes=3_000)
    for letter in "abcdefgh":
        results.add(ANN, "c1", letter * 2_000)
    assert (await results.read(ANN, "c1", 0, 2_000)).startswith("hhh")
