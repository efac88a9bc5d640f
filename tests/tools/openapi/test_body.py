"""Bodies as arguments of tools."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.openapi_documents import DocumentApi, body, of_body, operation


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        (
            {"allOf": [{"type": "object", "properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}]},
            ["a", "b"],
        ),
        ({"allOf": [{"properties": {"a": {}}}], "properties": {"b": {}}}, ["a", "b"]),
        ({"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "null"}]}, ["a"]),
        ({"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}], "title": "Union of"}, ["union_of"]),
        ({"allOf": [{"properties": {"a": {}}}, {"oneOf": [{}, {}]}]}, ["body"]),
        ({"type": "object", "properties": {"a": {}}, "not": {"required": ["a"]}}, ["body"]),
        ({"type": "array", "title": "Données"}, ["donn_es"]),
        ({"type": "object", "properties": {}}, ["body"]),
        ({"type": "string"}, ["body"]),
        (None, ["body"]),
    ],
)
async def test_a_body_is_its_fields_or_one_argument(schema: Any, names: list[str]) -> None:
    assert list(await of_body(schema).properties()) == names


@pytest.mark.parametrize(
    ("media_type", "schema", "arguments", "sent"),
    [
        ("application/x-www-form-urlencoded", {"properties": {"a": {}}}, {"a": "b c"}, b"a=b+c"),
        ("text/plain", {"type": "string"}, {"body": "Hello"}, b"Hello"),
        (
            "application/merge-patch+json",
            {"properties": {"a": {"type": ["integer", "null"]}}},
            {"a": None},
            b'{"a":null}',
        ),
        ("application/json", {"type": "object"}, {"body": {}}, b"{}"),
        ("application/json", {"type": "array"}, {"body": []}, b"[]"),
    ],
)
async def test_a_body_is_sent_in_its_media_type(media_type: str, schema: Any, arguments: Any, sent: bytes) -> None:
    api = DocumentApi({"/x": {"post": operation("x", requestBody=body(schema, media_type))}})
    request = await api.sent("x", **arguments)
    assert (request.headers["content-type"], request.content) == (media_type, sent)


async def test_json_is_preferred_among_media_types() -> None:
    content = {"text/plain": {"schema": {}}, "application/json": {"schema": {"properties": {"a": {}}}}}
    api = DocumentApi({"/x": {"post": operation("x", requestBody={"content": content})}})
    assert (await api.sent("x", a=1)).content == b'{"a":1}'
    assert (await api.sent("x")).content == b""
