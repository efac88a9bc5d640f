"""The ways in which found tools are given to the model: as references, or described and called indirectly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from shared.domain.events import ToolCall
from shared.domain.ports import ToolDefinition, ToolOutput
from shared.tools.search.index import render
from shared.tools.search.indirect import described, direct_call
from shared.tools.search.references import as_references

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

LIST = ToolDefinition("list_things", "List things.", {"type": "object", "properties": {"limit": {"type": "integer"}}})
DROP = ToolDefinition("drop_thing", "Drop a thing.", {"type": "object"})


@pytest.mark.proves("costs.search")
def test_found_tools_become_references() -> None:
    assert as_references(ToolOutput(render([LIST, DROP]), found=("list_things", "drop_thing"))).content == [
        {"type": "tool_reference", "tool_name": "list_things"},
        {"type": "tool_reference", "tool_name": "drop_thing"},
    ]


@pytest.mark.proves("costs.search")
def test_a_search_that_finds_nothing_stays_a_text() -> None:
    nothing = ToolOutput(render([]))
    assert as_references(nothing) == nothing
    assert described(nothing, [LIST]) == nothing


@pytest.mark.proves("refresh.same-turn")
def test_new_tools_of_a_refresh_stand_behind_its_report() -> None:
    output = as_references(ToolOutput("New: drop_thing.", found=("drop_thing",)), keeps_text=True)
    assert output.content == [
        {"type": "text", "text": "New: drop_thing."},
        {"type": "tool_reference", "tool_name": "drop_thing"},
    ]


@pytest.mark.proves("costs.search")
def test_found_tools_are_described_with_their_schemas() -> None:
    text = str(described(ToolOutput(render([LIST]), found=("list_things",)), [LIST, DROP]).content)
    assert orjson.loads(text.splitlines()[-1]) == orjson.loads(LIST.encoded)


@pytest.mark.proves("costs.search")
def test_an_indirect_call_is_the_call_of_the_named_tool() -> None:
    call = ToolCall("toolu_1", "call_tool", {"name": "list_things", "arguments": {"limit": 3}})
    assert direct_call(call) == ToolCall("toolu_1", "list_things", {"limit": 3})
    assert direct_call(ToolCall("toolu_2", "drop_thing", {})) == ToolCall("toolu_2", "drop_thing", {})


@pytest.mark.proves("turn.malformed-input")
@pytest.mark.parametrize(
    "arguments", [{}, {"name": ""}, {"name": 3}, {"name": "call_tool"}, {"name": "list_things", "arguments": "x"}]
)
def test_an_indirect_call_that_names_nothing_is_told(arguments: JsonObject) -> None:
    assert direct_call(ToolCall("toolu_1", "call_tool", arguments)).problem is not None
