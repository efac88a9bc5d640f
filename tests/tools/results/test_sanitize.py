"""Results made storable and short enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.tools.results.sanitize import sanitize, truncate_blocks

if TYPE_CHECKING:
    from shared.domain.models import JsonObject


IMAGE: JsonObject = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def text(value: str) -> JsonObject:
    return {"type": "text", "text": value}


@pytest.mark.parametrize("content", ["", " \n", [], [text("")], [text(" "), text("\n")]])
def test_a_result_always_says_something(content: str | list[JsonObject]) -> None:
    assert isinstance(sanitize(content), str)
    assert str(sanitize(content)).strip()


def test_what_nothing_could_store_is_taken_out() -> None:
    assert sanitize("a\0b\ud800c") == "abc"
    assert sanitize([text("a\0b"), IMAGE, text("")]) == [text("ab"), IMAGE]


def test_blocks_are_cut_to_a_length_in_all_and_pictures_stay() -> None:
    blocks = [text("aaaa"), IMAGE, text("bbbb"), text("cccc")]
    assert truncate_blocks(blocks, 0) == blocks
    assert truncate_blocks(blocks, 12) == blocks
    *kept, notice = truncate_blocks(blocks, 6)
    assert kept == [text("aaaa"), IMAGE, text("bb")]
    assert "12 characters" in str(notice["text"])
    assert "narrower" in str(notice["text"])
