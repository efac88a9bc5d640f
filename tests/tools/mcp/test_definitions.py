"""The conversion of external tools to what the Messages API accepts, and of arguments back to the server's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.messages_api.tools import tool_problems
from shared.domain.models import MCPServer
from shared.tools.mcp.definitions import convert_tools

if TYPE_CHECKING:
    from shared.domain.models import JsonObject
    from shared.tools.mcp.definitions import ExternalTool

SERVER = MCPServer(slug="s", name="S", url="http://s.example.com/mcp", tool_prefix="s")


def read(schema: Any, **fields: Any) -> ExternalTool:
    (tool,) = convert_tools(SERVER, [{"name": "x", "inputSchema": schema, **fields}]).tools
    problems = [*tool_problems({"tools": [{"name": "x", "input_schema": tool.input_schema, "description": "d"}]})]
    assert not problems
    return tool


def obj(**properties: Any) -> Any:
    return {"type": "object", "properties": properties}


TEXT = {"type": "string"}


@pytest.mark.proves("external.mended")
def test_a_union_at_the_root_becomes_one_argument() -> None:
    circle = {**obj(kind={"const": "circle"}, radius={"type": "number"}), "required": ["kind", "radius"]}
    square = {**obj(kind={"const": "square"}, side={"type": "number"}), "required": ["kind", "side"]}
    tool = read({"type": "object", "oneOf": [circle, {"$ref": "#/$defs/Square"}], "$defs": {"Square": square}})
    assert tool.input_schema["required"] == ["input"]
    assert '"radius"' in json.dumps(tool.input_schema)
    assert '"side"' in json.dumps(tool.input_schema)
    assert tool.arguments({"input": {"kind": "square", "side": 2}}) == {"kind": "square", "side": 2}
    assert tool.arguments({"kind": "square", "side": 2}) == {"kind": "square", "side": 2}, "as the model may guess"


@pytest.mark.proves("external.mended")
def test_the_parts_of_an_all_of_are_merged() -> None:
    tool = read({"allOf": [{**obj(a=TEXT), "required": ["a"]}, {"$ref": "#/$defs/B"}], "$defs": {"B": obj(b=TEXT)}})
    assert tool.input_schema == {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a"]}
    assert tool.arguments({"a": "1", "b": "2"}) == {"a": "1", "b": "2"}


@pytest.mark.proves("external.mended")
def test_a_choice_of_required_arguments_is_described() -> None:
    choice = [{"required": ["id"]}, {"required": ["name", "team"]}]
    tool = read({**obj(id=TEXT, name=TEXT, team=TEXT), "anyOf": choice}, description="Find it.")
    assert tool.description == "Find it.\nRequired: `id`, or `name` and `team`."
    assert set(tool.input_schema) == {"type", "properties"}


@pytest.mark.proves("external.mended")
def test_invalid_names_of_arguments_are_replaced_and_restored() -> None:
    schema = {**obj(**{"page[size]": TEXT, "page size": TEXT, "page_size": TEXT}), "required": ["page[size]"]}
    tool = read(schema)
    properties = tool.input_schema["properties"]
    assert isinstance(properties, dict)
    assert set(properties) == {"page_size", "page_size_", "page_size_2"}
    assert tool.input_schema["required"] == ["page_size_"]
    given: JsonObject = {"page_size_": "1", "page_size_2": "2", "page_size": "3", "other": "4"}
    assert tool.arguments(given) == {"page[size]": "1", "page size": "2", "page_size": "3", "other": "4"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({"type": ["object", "null"], "properties": {"a": TEXT}}, obj(a=TEXT)),
        ({"$ref": "#/$defs/X", "$defs": {"X": obj(a=TEXT)}}, obj(a=TEXT)),
        ({**obj(a=TEXT), "additionalProperties": False}, {**obj(a=TEXT), "additionalProperties": False}),
        ({**obj(a=TEXT), "required": ["a", "b", 7]}, {**obj(a=TEXT), "required": ["a"]}),
        ({**obj(a={"type": "strange"}), "required": "a"}, {**obj(a={}), "required": ["a"]}),
        ({"type": "object", "properties": "none"}, {"type": "object", "properties": {}}),
        ({"type": "object", "properties": {"a": True, "b": 7}}, obj(a={}, b={})),
    ],
)
def test_unusual_schemas_keep_their_meaning(schema: Any, expected: Any) -> None:
    assert read(schema).input_schema == expected


@pytest.mark.proves("external.mended")
@pytest.mark.parametrize(
    "raw",
    [
        {"name": "bad"},
        {"name": "bad", "inputSchema": {"type": "string"}},
        {"name": "bad", "inputSchema": {"$ref": "https://elsewhere.example.com/schema"}},
        {"name": "bad", "inputSchema": {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}},
        {"name": "bad", "inputSchema": {"type": "object", "description": "x" * 300_000}},
        {"name": " ", "inputSchema": {"type": "object"}},
        {"name": 7, "inputSchema": {"type": "object"}},
        {"inputSchema": {"type": "object"}},
        {"name": "good", "inputSchema": {"type": "object"}},
    ],
)
def test_an_unusable_tool_is_left_out_with_a_reason(raw: Any) -> None:
    good = {"name": "good", "inputSchema": obj(a=TEXT), "description": "The first."}
    converted = convert_tools(SERVER, [good, raw])
    (tool,) = converted.tools
    assert (tool.name, tool.description) == ("good", "The first.")
    assert list(converted.unusable) == [str(raw.get("name"))]


def test_many_invalid_names_are_replaced_in_linear_time() -> None:
    names = [chr(0x4E00 + number) for number in range(20_000)]
    tool = read(obj(**{name: {} for name in names}))
    properties = tool.input_schema["properties"]
    assert isinstance(properties, dict)
    assert len(properties) == len(names)


def test_a_tool_without_a_description_is_described_by_its_title_or_its_name() -> None:
    assert read({}, title="Do it").description == "Do it"
    assert read({}, annotations={"title": "Do it"}).description == "Do it"
    assert read({}, description=" \n").description == "x"
    assert len(read({}, description="word " * 5000).description) <= 2000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["object", "string", "#/$defs/a", "a b", "$x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "required",
                    "anyOf",
                    "oneOf",
                    "allOf",
                    "$ref",
                    "$defs",
                    "items",
                    "enum",
                    "a",
                    "a b",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)


@pytest.mark.proves("external.mended")
@settings(max_examples=300, deadline=None)
@given(schema=st.dictionaries(st.sampled_from(["type", "properties", "anyOf", "allOf", "$ref", "$defs"]), JSON))
def test_any_schema_is_converted_or_left_out(schema: Any) -> None:
    for tool in convert_tools(SERVER, [{"name": "x", "inputSchema": schema}]).tools:
        encoded = {"name": "x", "input_schema": tool.input_schema, "description": tool.description}
        assert not [*tool_problems({"tools": [encoded]})], tool.input_schema
