"""JSON texts written compactly; every other text unchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared.tools.results.json_text import compact_json, json_text, rewritten
from shared.tools.results.prune import prune_json

if TYPE_CHECKING:
    from shared.tools.results.json_text import ParsedJson

TEXTS = [
    "[INFO] service started",
    "[2026-01-02 03:04:05] GET /a  200\n[2026-01-02 03:04:06] GET /b  404",
    "[the docs](https://docs.example.com/a) say:  see  below",
    "- [ ] first\n- [x] second",
    "{% for name in names %}\n  {{ name }}\n{% endfor %}",
    "{{ greeting }}, {name} !",
    "{ 'python': True, }",
    "[1, 2",
    "[1, 2] and more",
    '{"a": 1}\n{"a": 2}',
    '{"a": NaN, "b": Infinity}',
    '{"a": 01}',
    '{"broken": "\\u0000',
    "[" * 100_000,
    '["' + "a" * 1_000,
    "",
    "plain text",
    "<a b='c'/>",
    "  12 ",
    '"a  b"',
    "7",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_that_is_not_json_stays_unchanged(text: str) -> None:
    assert compact_json(text) == text
    assert prune_json(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":[1,2]}', '{"a":[1,2]}'),
        ('{ "a": [1, 2],\n  "b c": "d, e:  f\\" g" }', '{"a":[1,2],"b c":"d, e:  f\\" g"}'),
        ('{"n": 12345678901234567890123, "f": 1.0, "g": 1e400}', '{"n":12345678901234567890123,"f":1.0,"g":1e400}'),
        ("[-0.0, 1E5, 0.1000000000000000055511]", "[-0.0,1E5,0.1000000000000000055511]"),
        (f"[{'9' * 5000}, 1]", f"[{'9' * 5000},1]"),
        ('{"a": "x\\u0000y", "n": 1.50, "e": {}, "l": [[]]}', '{"a":"xy","n":1.50,"e":{},"l":[[]]}'),
        ('{"a": "x\\ud800y", "b": "\\ud83d\\ude00"}', '{"a":"xy","b":"😀"}'),
        ('{"a": "\\\\u0000"}', '{"a":"\\\\u0000"}'),
        ("\n [1, 2]\n", "[1,2]"),
    ],
)
def test_json_loses_its_whitespace_and_nothing_else(text: str, expected: str) -> None:
    assert compact_json(text) == expected


def test_deep_json_is_compacted_too() -> None:
    deep = "[" * 400 + "]" * 400
    assert prune_json(f"[{deep}, 1]") == f"[{deep},1]"
    assert prune_json('{"a": "x\\ud800", "b": null}') == '{"a":"x"}'


def test_a_value_is_written_without_nul_characters() -> None:
    assert json_text({"a": "x\0y", "b": 1.5}) == '{"a":"xy","b":1.5}'
    assert json_text(["\\u0000", None, True]) == r'["\\u0000",null,true]'


@pytest.mark.parametrize("members", [100, 1_000])
def test_each_object_is_visited_once(members: int) -> None:
    visited = []

    def visit(item: dict[str, ParsedJson]) -> ParsedJson:
        visited.append(item)
        return item

    rewritten(json.dumps([{"id": number, "name": None} for number in range(members)]), visit)
    assert len(visited) == members
