"""Apache AGE's values as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.graph.agtype import parse, render, structure

if TYPE_CHECKING:
    from pydantic import JsonValue

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.proves("graph.hostile-text")
@given(values)
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read(value: JsonValue) -> None:
    assert parse(render(value)) == value


@pytest.mark.proves("graph.hostile-text")
@given(values)
@settings(max_examples=100, deadline=None)
def test_suffixes_go_and_texts_stay(value: JsonValue) -> None:
    vertex = f'{{"id": 1, "label": "A", "properties": {render({"a": value, "b": "x::vertex"}).decode()}}}::vertex'
    assert parse(vertex.encode()) == {"id": 1, "label": "A", "properties": {"a": value, "b": "x::vertex"}}


@pytest.mark.proves("graph.hostile-text")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        (None, None),
        ("1::numeric", 1),
        ("1.5::numeric", 1.5),
        ("123456789012345678901234567890::numeric", 123456789012345678901234567890),
        ("Infinity", float("inf")),
        ('"\\ud800"', "\ud800"),
        ("[1::numeric, {}::edge]::path", [1, {}]),
        ('"a\\"::vertex"', 'a"::vertex'),
    ],
)
def test_known_texts_are_read(text: str | None, value: JsonValue) -> None:
    assert parse(text if text is None else text.encode()) == value


@pytest.mark.proves("graph.json-forms")
@pytest.mark.parametrize("value", [[], {}, [1], {"a": [None]}])
def test_lists_and_objects_are_read_in_both_forms(value: JsonValue) -> None:
    assert structure(value) == structure(json.dumps(value)) == value


@pytest.mark.proves("graph.json-forms")
@pytest.mark.parametrize("value", [None, "", "{", "1", "null", '"a"', 7, True, "[" * 100_000])
def test_what_is_neither_is_nothing(value: JsonValue) -> None:
    assert structure(value) is None
