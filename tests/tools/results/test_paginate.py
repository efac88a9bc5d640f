"""Pages of long texts."""

from __future__ import annotations

import json

import pytest

from shared.tools.results.paginate import page_of


def cut(text: str, limit: int) -> tuple[str, int]:
    """Return the first page and the number of elements behind it; a page of characters has none."""
    if len(text) <= limit:
        return text, 0
    page = page_of(text, 0, limit)
    return page.shown, page.left if page.unit == "elements" else 0


LIST = json.dumps([{"id": number, "name": "x" * 20} for number in range(100)], separators=(",", ":"))


def test_what_fits_is_not_cut() -> None:
    assert cut(LIST, len(LIST)) == (LIST, 0)


@pytest.mark.parametrize("key", ["items", "data", "results", "entries", "anything"])
@pytest.mark.parametrize("limit", [45, 500, 1_000, 3_000])
def test_a_list_is_cut_between_elements(key: str, limit: int) -> None:
    kept, left = cut(LIST, limit)
    assert len(kept) <= limit
    assert json.loads(kept) == json.loads(LIST)[: 100 - left]
    wrapped = f'{{"total": 100, "tags":["a"], "{key}": {LIST}, "next_cursor": "abc"}}'
    kept, left = cut(wrapped, limit + 100)
    assert len(kept) <= limit + 100
    assert json.loads(kept) == {
        "total": 100,
        "tags": ["a"],
        "next_cursor": "abc",
        key: json.loads(LIST)[: 100 - left],
    }
    assert 0 < left < 100


def test_as_many_elements_are_kept_as_fit() -> None:
    assert cut("[1,2,3]", 6) == ("[1,2]", 1)
    assert cut("[1,2,3]", 5) == ("[1,2]", 1)
    assert cut("[1,2,3]", 4) == ("[1]", 2)
    assert cut('[ 1 , "a]" , {"b":[2]} ]  ', 12) == ('[1,"a]"]  ', 1)


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("abcdef", 3, "abc"),
        ("one\ntwo\nthree", 9, "one\ntwo\n"),
        ('{"text":"' + "x" * 50 + '"}', 20, '{"text":"xxxxxxxxxxx'),
        ('["' + "x" * 50 + '",1]', 10, '["xxxxxxxx'),
        ('{"a":[1,2],"b":"' + "x" * 50 + '"}', 20, '{"a":[1,2],"b":"xxxx'),
        ("[1,2,3", 4, "[1,2"),
        ("[1 2,3,4,5,6]", 4, "[1 2"),
        ('{"a" 1,"b":[1,2,3]}', 4, '{"a"'),
    ],
)
def test_anything_else_is_cut_at_a_character(text: str, limit: int, kept: str) -> None:
    assert cut(text, limit) == (kept, 0)
