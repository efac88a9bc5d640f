"""The request of a call: values that were once sent wrongly, dropped or refused."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest

from shared.domain.errors import ToolError
from tests.support.imbi_api import ADMIN
from tests.support.openapi_documents import DocumentApi, body, of_body, operation

OWNER = {
    "type": ["object", "null"],
    "properties": {"name": {"type": "string"}, "note": {"type": "string", "description": "A long note. " * 10}},
}
NULLABLE: dict[str, Any] = {
    "owner": {"$ref": "#/components/schemas/Owner"},
    "owners": {"type": "array", "items": {"$ref": "#/components/schemas/Owner"}},
    "state": {"enum": ["open", None]},
    "value": {},
    "gone": {"const": None},
    "mixed": {"anyOf": [{"type": ["string", "null"]}, {"type": "integer"}]},
    "label": {"type": "string"},
}
FREE_OBJECT = {"type": "object", "additionalProperties": True}
FREE_OBJECTS = {"type": "array", "items": FREE_OBJECT}


def thing(**parts: Any) -> DocumentApi:
    schema = {"type": "object", "properties": NULLABLE, **parts}
    return of_body(schema, components={"schemas": {"Owner": OWNER}})


@pytest.mark.parametrize("field", [field for field in NULLABLE if field not in {"owners", "label"}])
async def test_null_is_sent_where_the_schema_allows_it(field: str) -> None:
    assert json.loads((await thing().sent("create_x", **{field: None})).content) == {field: None}
    assert json.loads((await thing(required=[field]).sent("create_x", **{field: None})).content) == {field: None}


async def test_null_is_left_out_where_the_schema_forbids_it() -> None:
    assert (await thing().sent("create_x", owners=[None], label=None)).content == b'{"owners":[null]}'
    with pytest.raises(ToolError, match="Missing required argument: label"):
        await thing(required=["label"]).sent("create_x", label=None)


async def test_numbers_of_any_size_are_sent_exactly() -> None:
    assert (
        await thing().sent("create_x", value=[10**30, 0.1])
    ).content == b'{"value":[1000000000000000000000000000000,0.1]}'


@pytest.mark.parametrize(
    ("parameter", "value", "query"),
    [
        (
            {"schema": FREE_OBJECT, "style": "deepObject", "explode": True},
            {"tags": ["p", "q"], "at": {"gte": 1}, "none": None},
            "q[tags]=p&q[tags]=q&q[at][gte]=1",
        ),
        ({"schema": FREE_OBJECTS}, [{"a": 1}], 'q={"a":1}'),
        ({"schema": {"type": "array"}}, [True, None, 1.5], "q=true&q=1.5"),
        ({"schema": {"type": "array"}}, [], ""),
        ({"schema": {"type": "string"}, "allowReserved": True}, "a/b?c&d#", "q=a/b?c%26d%23"),
        ({"content": {"text/plain": {"schema": {"type": "string"}}}}, "a b", "q=a b"),
    ],
)
async def test_a_query_has_no_python_text(parameter: Any, value: Any, query: str) -> None:
    api = DocumentApi({"/x": {"get": operation("list_x", parameters=[{"name": "q", "in": "query", **parameter}])}})
    sent = (await api.sent("list_x", q=value)).url.query.decode()
    assert query in {sent, unquote(sent)}


@pytest.mark.parametrize(
    ("encoding", "value", "sent"),
    [
        ({"style": "deepObject"}, {"k": "v"}, "metadata%5Bk%5D=v"),
        ({}, {"k": "v", "n": None}, "metadata=%7B%22k%22%3A%22v%22%2C%22n%22%3Anull%7D"),
    ],
)
async def test_an_object_in_a_form_follows_its_encoding(encoding: Any, value: Any, sent: str) -> None:
    media = {"schema": {"type": "object", "properties": {"metadata": FREE_OBJECT}}, "encoding": {"metadata": encoding}}
    content = {"application/x-www-form-urlencoded": media}
    api = DocumentApi({"/x": {"post": operation("form", requestBody={"required": True, "content": content})}})
    assert (await api.sent("form", metadata=value)).content.decode() == sent


async def test_an_array_in_a_path_and_in_headers_is_joined_by_commas() -> None:
    strings = {"type": "array", "items": {"type": "string"}}
    parameters = [
        {"name": "ids", "in": "path", "schema": strings, "required": True},
        {"name": "x-tags", "in": "header", "schema": strings},
        {"name": "x-note", "in": "header", "schema": {"type": "string"}},
        {"name": "c", "in": "cookie", "schema": strings},
    ]
    api = DocumentApi({"/items/{ids}": {"get": operation("get_items", parameters=parameters)}})
    request = await api.sent(
        "get_items", **{"ids": ["a", "b"], "x-tags": ["a", "b"], "x-note": "café", "c": ["a", "b"]}
    )
    assert request.url.raw_path == b"/items/a,b"
    raw = {name.lower(): value for name, value in request.headers.raw}
    assert (raw[b"x-tags"], raw[b"x-note"], raw[b"cookie"]) == (b"a,b", "café".encode("latin-1"), b"c=a,b")
    assert (await api.sent("get_items", ids="a")).url.raw_path == b"/items/a"


@pytest.mark.parametrize(
    ("location", "schema", "value"),
    [
        ("header", {"type": "string"}, "日本"),
        ("header", {"type": "string"}, "a\r\nb: c"),
        ("header", {"type": "array"}, ["a,b", "c"]),
        ("cookie", {"type": "string"}, "a; admin=1"),
        ("cookie", {"type": "string"}, "日本"),
        ("cookie", {"type": "array"}, ["a,b"]),
    ],
)
async def test_a_value_that_would_arrive_as_another_one_is_refused(location: str, schema: Any, value: Any) -> None:
    api = DocumentApi({"/x": {"get": operation("x", parameters=[{"name": "p", "in": location, "schema": schema}])}})
    await api.tools.load()
    with pytest.raises(ToolError, match="Argument p has characters that cannot be sent"):
        await api.tools.call("x", {"p": value}, ADMIN)


async def test_similar_names_say_which_parameter_they_are() -> None:
    names = ["StartTime", "StartTime<", "StartTime>", "$top"]
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    api = DocumentApi({"/calls": {"get": operation("list_calls", parameters=parameters)}})
    assert await api.properties() == {
        "StartTime": {"type": "string"},
        "StartTime_": {"type": "string", "description": "(`StartTime<`)"},
        "StartTime__2": {"type": "string", "description": "(`StartTime>`)"},
        "_top": {"type": "string", "description": "(`$top`)"},
    }
    assert (await api.sent("list_calls", StartTime__2="1")).url.query == b"StartTime%3E=1"


async def test_operations_named_like_our_own_tools_can_be_called() -> None:
    names = ["navigate_to", "refresh_data", "refresh_openapi_spec", "read_result", "search_tools"]
    api = DocumentApi({f"/{name}": {"get": operation(name)} for name in names})
    assert set(await api.definitions()) == {f"{name}_get" for name in names}
    assert (await api.sent("read_result_get")).url.path == "/read_result"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"application/xml": {"schema": {"type": "object", "properties": {"a": {}}}}},
            "is XML, which cannot be written",
        ),
        ({"application/zip": {"schema": {"type": "object"}}}, "is application/zip, which cannot be written"),
    ],
)
async def test_a_body_that_cannot_be_written_is_no_tool(
    content: Any, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    request_body = {"content": content}
    api = DocumentApi({"/x": {"post": operation("x", requestBody=request_body)}, "/y": {"get": operation("y")}})
    assert set(await api.definitions()) == {"y"}
    assert message in caplog.text
    assert "so it cannot be called" in caplog.text


@pytest.mark.parametrize(
    ("value", "media_type"),
    [
        ({"name": None}, "application/merge-patch+json"),
        ([{"op": "remove", "path": "/name"}], "application/json-patch+json"),
    ],
)
async def test_the_media_type_fits_the_shape_of_the_value(value: Any, media_type: str) -> None:
    content: dict[str, Any] = {"application/json-patch+json": {"schema": {}}, "application/merge-patch+json": {}}
    api = DocumentApi({"/x": {"patch": operation("patch_x", requestBody={"required": True, "content": content})}})
    request = await api.sent("patch_x", body=value)
    assert (request.headers["content-type"], json.loads(request.content)) == (media_type, value)


async def test_lone_surrogates_are_refused_in_a_body() -> None:
    api = of_body({"type": "object", "properties": {"a": {"type": "string"}}})
    await api.tools.load()
    with pytest.raises(ToolError, match="characters that cannot be sent"):
        await api.tools.call("create_x", {"a": "x\ud800"}, ADMIN)


async def test_a_form_without_declared_fields_is_written_from_an_object() -> None:
    for media_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        api = DocumentApi({"/x": {"post": operation("x", requestBody=body({"type": "object"}, media_type))}})
        request = await api.sent("x", body={"a": [1, 2], "b": {"c": None}})
        assert request.headers["content-type"].startswith(media_type)
        assert b'{"c":null}' in request.content or b"a=1&a=2&b=%7B%22c%22%3Anull%7D" in request.content
