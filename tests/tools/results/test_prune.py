"""Results made small before they are cut, and cut where they stay readable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tools.results.paginate import page_of
from shared.tools.results.prune import compact
from tests.support.work import count_calls


def cut(text: str, limit: int) -> tuple[str, int]:
    """Give the first page and how many elements are behind it; a page of characters has none."""
    if len(text) <= limit:
        return text, 0
    page = page_of(text, 0, limit)
    return page.shown, page.left if page.unit == "elements" else 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": [1, 2],\n "b": "x, y:  z"}', '{"a":[1,2],"b":"x, y:  z"}'),
        ('{"a": null, "b": {"c": null}, "d": [null]}', '{"b":{},"d":[null]}'),
        ('{"n": 12345678901234567890123, "f": 1.50, "g": 1e400}', '{"n":12345678901234567890123,"f":1.50,"g":1e400}'),
        ("[-0.0, 1E5, 0.1000000000000000055511]", "[-0.0,1E5,0.1000000000000000055511]"),
        ('{"a": [], "b": {}, "c": "", "d": 0, "e": false}', '{"a":[],"b":{},"c":"","d":0,"e":false}'),
        ('{"a": "caf\\u00e9 \\ud83d\\ude00"}', '{"a":"café 😀"}'),
        ('{"id": "p1", "href": "/api/projects/p1"}', '{"id":"p1"}'),
        ('{"slug": "w", "self": "/api/x/w", "url": "https://w.example.com"}', '{"slug":"w","url":"https://w.example.com"}'),
        ('{"name": "data", "link": "/api/teams/data?full=1"}', '{"name":"data"}'),
        ('{"name": "Data Platform", "href": "/api/teams/data"}', '{"name":"Data Platform","href":"/api/teams/data"}'),
        ('{"id": 1, "team": {"href": "/api/teams/data"}}', '{"id":1,"team":{"href":"/api/teams/data"}}'),
        ('{"id": 1, "_links": {"self": {"href": "/api/x"}, "team": "/api/y"}}', '{"id":1}'),
        ('{"links": {"self": "/api/x", "repo": "https://git.example.com"}}', '{"links":{"repo":"https://git.example.com"}}'),
        ('{"links": {}, "relationships": [{"href": "/api/x"}]}', '{"links":{},"relationships":[{"href":"/api/x"}]}'),
        ('{"id": 1, "path": "/api/hooks/1", "href": 7}', '{"id":1,"path":"/api/hooks/1","href":7}'),
        ("[{}, null, []]", "[{},null,[]]"),
    ],
)  # fmt: skip
def test_json_loses_what_says_nothing(text: str, expected: str) -> None:
    assert compact(text) == expected


def test_a_project_keeps_its_counts_and_loses_its_links() -> None:
    link = "/api/organizations/acme/projects/p1"
    relationships = {
        "team": {"href": "/api/organizations/acme/teams/data", "count": 1},
        "environments": {"href": f"{link}/releases/current", "count": 2},
        "href": f"{link}/relationships",
        "outbound_count": 5,
    }
    project = {"id": "p1", "team": {"slug": "data", "icon": None}, "relationships": relationships}
    assert json.loads(compact(json.dumps([project]))) == [
        {
            "id": "p1",
            "team": {"slug": "data"},
            "relationships": {"team": {"count": 1}, "environments": {"count": 2}, "outbound_count": 5},
        }
    ]


def test_the_beginning_of_own_links_can_be_given() -> None:
    text = '{"id":1,"href":"https://imbi.example.com/api/x","url":"/api/x"}'
    assert compact(text, own_prefixes=("https://imbi.example.com/",)) == '{"id":1,"url":"/api/x"}'


@pytest.mark.parametrize(
    "text", ["", "plain text", "<a b='c'/>", "[1, 2", '{"a": NaN}', "{not json}", "[" * 100_000, "  12 ", '"a  b"']
)
def test_what_is_no_json_stays_as_it_is(text: str) -> None:
    assert compact(text) == text


def test_what_the_writer_cannot_take_only_loses_its_spaces() -> None:
    deep = "[" * 400 + "]" * 400
    assert compact(f"[{deep}, 1]") == f"[{deep},1]"
    assert compact('{"a": "x\\ud800", "b": null}') == '{"a":"x","b":null}'


scalars = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5)
)


@given(values)
def test_nothing_else_is_lost(value: Any) -> None:
    text = json.dumps({"value": value}, indent=1)
    if "\\ud" not in text:
        assert json.loads(compact(text)) == {"value": value}


def test_the_work_grows_no_faster_than_the_text() -> None:
    record = {"id": "p1", "name": "Checkout", "icon": None, "score": 91.5, "description": "Sells. " * 12, "tags": ["a"]}
    link = {"team": {"href": "/api/teams/data", "count": 1}}

    def calls(records: int) -> int:
        text = json.dumps([{**record, "relationships": link}] * records)
        return count_calls(lambda: compact(text))

    assert calls(2_000) < 2.1 * calls(1_000)


# Cutting


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
