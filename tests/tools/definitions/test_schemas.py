"""Schemas of a document in the form that the Messages API accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.openapi_documents import DocumentApi, body, of_body, of_query, operation


async def test_references_to_parts_of_the_document_are_followed() -> None:
    api = DocumentApi(
        {"/x/{id}": {"$ref": "#/components/pathItems/X~1Y"}},
        components={
            "pathItems": {
                "X/Y": {
                    "parameters": [{"$ref": "#/components/parameters/Id"}],
                    "post": operation("x", requestBody={"$ref": "#/components/requestBodies/B"}),
                }
            },
            "parameters": {
                "Id": {"name": "id", "in": "path", "required": True, "schema": {"$ref": "#/components/schemas/N"}}
            },
            "requestBodies": {"B": body({"$ref": "#/components/schemas/O"})},
            "schemas": {
                "N": {"type": "integer"},
                "O": {"type": "object", "properties": {"n": {"$ref": "#/components/schemas/N"}}},
            },
        },
    )
    assert await api.properties() == {"id": {"type": "integer"}, "n": {"type": "integer"}}
    request = await api.sent("x", id="7", n="8")
    assert (request.url.path, request.content) == ("/x/7", b'{"n":8}')


async def test_circular_schemas_stay_circular() -> None:
    name = {"type": "string"}
    node = {"type": "object", "properties": {"caption": name, "next": {"$ref": "#/components/schemas/Node"}}}
    api = of_body({"$ref": "#/components/schemas/Node"}, components={"schemas": {"Node": node}})
    (definition,) = (await api.definitions()).values()
    assert definition.input_schema["properties"] == {"caption": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}}
    assert definition.input_schema["$defs"] == {
        "Node": {"type": "object", "properties": {"caption": name, "next": {"$ref": "#/$defs/Node"}}}
    }


@pytest.mark.parametrize("target", ["#/components/schemas/A", "#/nowhere", "http://evil.example.com/a", "#", 7, None])
async def test_broken_references_allow_any_value(target: Any) -> None:
    api = of_query({"$ref": target}, components={"schemas": {"A": {"$ref": "#/components/schemas/A"}}})
    (definition,) = (await api.definitions()).values()
    assert set(definition.input_schema["properties"]) == {"q"}  # type: ignore[arg-type]  # an object
    assert (await api.sent("list_x", q="v")).url.query == b"q=v"


async def test_long_chains_and_deep_nests_are_read() -> None:
    schemas: dict[str, Any] = {
        f"S{n}": {"type": "object", "properties": {"a": {"$ref": f"#/components/schemas/S{n + 1}"}}}
        for n in range(3000)
    }
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        deep = {"type": "array", "items": deep}
    paths = {
        "/chain": {"post": operation("chain", requestBody=body({"$ref": "#/components/schemas/S0"}))},
        "/deep": {"post": operation("deep", requestBody=body(deep))},
        "/good": {"get": operation("good")},
    }
    assert {"deep", "good"} <= set(await DocumentApi(paths, components={"schemas": schemas}).definitions())


async def test_a_definition_used_twice_is_written_once() -> None:
    step = {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(9)}}
    part = {"$ref": "#/components/schemas/The Step"}
    api = of_body(
        {
            "type": "object",
            "properties": {
                "a": part,
                "b": {"type": "array", "items": part},
                "c": {"$ref": "#/components/schemas/Tiny"},
            },
        },
        components={"schemas": {"The Step": step, "Tiny": {"type": "boolean"}}},
    )
    (definition,) = (await api.definitions()).values()
    assert definition.input_schema["$defs"] == {"The_Step": step}
    assert (await api.properties())["c"] == {"type": "boolean"}


async def test_a_huge_schema_is_outlined() -> None:
    fields = {
        f"field_{n}": {
            "type": "object",
            "description": "What.",
            "properties": {f"p{m}": {"type": "string"} for m in range(40)},
        }
        for n in range(60)
    }
    api = of_body(
        {"type": "object", "properties": {**fields, "r": {"$ref": "#/components/schemas/R"}}},
        components={"schemas": {"R": {"type": "string", "description": "R."}}},
    )
    found = await api.properties()
    assert found["field_7"] == {"type": "object", "description": "What."}
    assert found["r"] == {"type": "string", "description": "R."}
    assert len(next(iter((await api.definitions()).values())).encoded) < 8000


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "title": "Q", "example": "x", "xml": {}, "deprecated": True}, {"type": "string"}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string"}),
        ({"anyOf": [{"type": "string", "format": "uri"}, {"type": "string"}, {"type": "null"}]}, {"type": "string"}),
        ({"type": "string", "nullable": True}, {"type": "string"}),
        ({"type": ["string", "integer", "null"]}, {"type": ["string", "integer"]}),
        ({"type": "null"}, {"type": "null"}),
        ({"type": "string", "enum": ["a"], "nullable": True}, {"type": "string", "enum": ["a"]}),
        ({"allOf": [{"type": "string"}], "description": "D"}, {"type": "string", "description": "D"}),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (
            {"minimum": 1, "exclusiveMinimum": True, "type": "number"},
            {"minimum": 1, "exclusiveMinimum": 1, "type": "number"},
        ),
        ({"exclusiveMaximum": 5, "maxLength": -1, "multipleOf": 0, "minLength": True}, {"exclusiveMaximum": 5}),
        ({"type": "file"}, {"type": "string"}),
        ({"type": 7, "enum": [], "required": "x", "properties": [], "items": 5, "anyOf": {}}, {}),
        ({"pattern": "(", "format": 7, "default": None, "uniqueItems": False}, {}),
        ({"pattern": "^a$", "const": "a", "default": "a"}, {"pattern": "^a$", "const": "a", "default": "a"}),
        ({"pattern": "a" * 201}, {}),
        ({"items": [{"type": "string"}]}, {"prefixItems": [{"type": "string"}]}),
        ({"prefixItems": [True, False]}, {"prefixItems": [{}, {"not": {}}]}),
        ({"type": "object", "additionalProperties": True}, {"type": "object"}),
        ({"additionalProperties": {"type": "string"}}, {"additionalProperties": {"type": "string"}}),
        ({"additionalProperties": False}, {"additionalProperties": False}),
        (
            {"properties": {"a": {}, "r": {"readOnly": True}, "b[c]": {}}, "required": ["a", "a", "r", 7, "b[c]"]},
            {"properties": {"a": {}}, "required": ["a"], "description": "Further properties: `b[c]`."},
        ),
        (True, {}),
        ("x", {}),
    ],
)
async def test_schemas_are_written_as_the_messages_api_wants_them(schema: Any, expected: Any) -> None:
    assert (await of_query(schema).properties())["q"] == expected


async def test_null_stays_in_the_schema_of_a_field() -> None:
    fields = {
        "a": {"type": "string", "nullable": True},
        "b": {"anyOf": [{"$ref": "#/components/schemas/E"}, {"type": "null"}]},
        "c": {"type": "string", "enum": ["x"], "nullable": True, "description": "C."},
        "d": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        "e": {"type": "string"},
    }
    api = of_body({"type": "object", "properties": fields}, components={"schemas": {"E": {"enum": ["e"]}}})
    assert await api.properties() == {
        "a": {"type": ["string", "null"]},
        "b": {"anyOf": [{"enum": ["e"]}, {"type": "null"}]},
        "c": {"description": "C.", "anyOf": [{"type": "string", "enum": ["x"], "description": "C."}, {"type": "null"}]},
        "d": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        "e": {"type": "string"},
    }
    request = await api.sent("create_x", a=None, b=None, c=None, d=None, e=None)
    assert json.loads(request.content) == {"a": None, "b": None, "c": None, "d": None}
