"""What every result goes through on its way to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain.errors import ToolError
from shared.domain.models import Caller, Principal
from shared.tools.results.reader import ReadingToolset
from shared.tools.results.sanitize import harmless, truncated
from shared.tools.results.store import KeptResults

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

IMAGE: JsonObject = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
LOST: JsonObject = {"id": "t", "offset": 0}
CALLER = Caller(Principal("a@example.com", "A"), "token")


def text(value: str) -> JsonObject:
    return {"type": "text", "text": value}


@pytest.mark.parametrize("content", ["", " \n", [], [text("")], [text(" "), text("\n")]])
def test_a_result_always_says_something(content: str | list[JsonObject]) -> None:
    assert isinstance(harmless(content), str)
    assert str(harmless(content)).strip()


def test_what_nothing_could_store_is_taken_out() -> None:
    assert harmless("a\0b\ud800c") == "abc"
    assert harmless([text("a\0b"), IMAGE, text("")]) == [text("ab"), IMAGE]


def test_blocks_are_cut_to_a_length_in_all_and_pictures_stay() -> None:
    blocks = [text("aaaa"), IMAGE, text("bbbb"), text("cccc")]
    assert truncated(blocks, 0) == blocks
    assert truncated(blocks, 12) == blocks
    *kept, notice = truncated(blocks, 6)
    assert kept == [text("aaaa"), IMAGE, text("bb")]
    assert "12 characters" in str(notice["text"])
    assert "narrower" in str(notice["text"])


@pytest.mark.proves("costs.read-on")
@pytest.mark.parametrize(
    "arguments", [{}, {"id": 3, "offset": 0}, {"id": "t", "offset": "0"}, {"id": "t", "offset": 0}]
)
async def test_there_is_nothing_to_read_on_in(arguments: JsonObject) -> None:
    toolset = ReadingToolset(KeptResults(), 10)
    await toolset.ensure_loaded()
    with pytest.raises(ToolError):
        await toolset.call("read_result", arguments, CALLER)
    await toolset.aclose()


@pytest.mark.proves("costs.read-on")
def test_where_nothing_is_cut_there_is_no_reading_on() -> None:
    assert ReadingToolset(KeptResults(), 0).definitions(CALLER.principal) == ()
