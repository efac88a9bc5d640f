"""JSON results without the parts that tell the model nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tools.results.prune import prune_json


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
    assert prune_json(text) == expected


def test_a_project_keeps_its_counts_and_loses_its_links() -> None:
    link = "/api/organizations/acme/projects/p1"
    relationships = {
        "team": {"href": "/api/organizations/acme/teams/data", "count": 1},
        "environments": {"href": f"{link}/releases/current", "count": 2},
        "href": f"{link}/relationships",
        "outbound_count": 5,
    }
    project = {"id": "p1", "team": {"slug": "data", "icon": None}, "relationships": relationships}
    assert json.loads(prune_json(json.dumps([project]))) == [
        {
            "id": "p1",
            "team": {"slug": "data"},
            "relationships": {"team": {"count": 1}, "environments": {"count": 2}, "outbound_count": 5},
        }
    ]


def test_the_beginning_of_own_links_can_be_given() -> None:
    text = '{"id":1,"href":"https://imbi.example.com/api/x","url":"/api/x"}'
    assert prune_json(text, own_prefixes=("https://imbi.example.com/",)) == '{"id":1,"url":"/api/x"}'


scalars = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5)
)


@given(values)
def test_nothing_else_is_lost(value: Any) -> None:
    text = json.dumps({"value": value}, indent=1)
    if "\\ud" not in text and "\\u0000" not in text:
        assert json.loads(prune_json(text)) == {"value": value}
