"""Documents of every kind, well and badly written, as tools that the Messages API accepts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from local.messages_api.tools import tool_problems
from shared.domain.errors import ToolError
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN, GUEST

if TYPE_CHECKING:
    from shared.domain.ports import ToolDefinition

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Api:
    """A document under test, and the requests that its tools make."""

    def __init__(self, paths: Any, version: str = "3.1.0", **parts: Any) -> None:
        document = {"openapi": version, "info": {"title": "T", "version": "1"}, "paths": paths, **parts}
        self.content = json.dumps(document).encode()
        self.requests: list[httpx2.Request] = []
        self.tools = OpenAPIToolset("http://api", transport=httpx2.MockTransport(self._answer))

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/openapi.json":
            return httpx2.Response(200, content=self.content)
        self.requests.append(request)
        return httpx2.Response(204)

    async def definitions(self) -> dict[str, ToolDefinition]:
        await self.tools.load()
        found = self.tools.definitions(ADMIN.principal)
        assert list(tool_problems({"tools": [json.loads(definition.encoded) for definition in found]})) == []
        return {definition.name: definition for definition in found}

    async def sent(self, name: str, **arguments: Any) -> httpx2.Request:
        await self.tools.load()
        await self.tools.call(name, arguments, ADMIN)
        return self.requests[-1]


def operation(name: str, **parts: Any) -> dict[str, Any]:
    return {"operationId": name, **parts}


def body(schema: Any, media_type: str = "application/json", **parts: Any) -> dict[str, Any]:
    return {"required": True, "content": {media_type: {"schema": schema}}, **parts}


def of_body(schema: Any, **parts: Any) -> Api:
    return Api({"/x": {"post": operation("create_x", requestBody=body(schema))}}, **parts)


def of_query(schema: Any, **parts: Any) -> Api:
    return Api(
        {"/x": {"get": operation("list_x", parameters=[{"name": "q", "in": "query", "schema": schema}])}}, **parts
    )


async def properties(api: Api) -> Any:
    (definition,) = (await api.definitions()).values()
    return definition.input_schema["properties"]


async def test_only_calls_that_make_sense_become_tools() -> None:
    item = {method: operation(f"do_{method}") for method in ("get", "head", "options", "trace", "delete", "GET")}
    assert set(await Api({"/x": item}).definitions()) == {"do_get", "do_delete"}


async def test_marks_on_a_path_count_for_its_operations() -> None:
    paths = {
        "/a": {"x-imbi-ai-tool": False, "get": operation("a", **{"x-imbi-ai-tool": True})},
        "/b": {"get": operation("b", **{"x-imbi-ai-tool": "false"})},
        "/c": {"get": operation("c", **{"x-imbi-ai-tool": None})},
        "/d": {"get": operation("d", **{"x-imbi-ai-tool": True})},
        "/e": {"x-imbi-permission": "admin", "get": operation("e")},
    }
    api = Api(paths)
    assert set(await api.definitions()) == {"d", "e"}
    assert [definition.name for definition in api.tools.definitions(GUEST.principal)] == ["d"]


@pytest.mark.parametrize("permission", [7, ["a", 1], {"a": True}, "", [""], True])
async def test_a_permission_that_cannot_be_read_is_for_administrators(permission: Any) -> None:
    api = Api({"/x": {"get": operation("x", **{"x-imbi-permission": permission})}})
    assert set(await api.definitions()) == {"x"}
    assert api.tools.definitions(GUEST.principal) == ()


async def test_what_cannot_be_a_tool_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    paths: dict[str, Any] = {
        "/good": {"get": operation("good", tags=7, responses=[], summary=["x"], description={}, security="no")},
        "/parameter": {"get": operation("p", parameters=[{"name": 7, "in": "query"}])},
        "/place": {"get": operation("q", parameters=[{"name": "a", "in": "formData"}])},
        "/broken-ref": {"get": operation("r", parameters=[{"$ref": "#/components/parameters/None"}])},
        "/body": {"post": operation("b", requestBody={"content": []})},
        "/body-ref": {"post": operation("c", requestBody={"$ref": "http://evil.example.com/x"})},
        "/query?a=b": {"get": operation("d")},
        "/surrogate\ud800": {"get": operation("e")},
        "/enum": {"get": operation("f", parameters=[{"name": "a", "in": "query", "schema": {"enum": ["\ud800"]}}])},
        "/external": {"$ref": "http://evil.example.com/paths"},
        "/not-an-item": [1],
        "no-slash": {"get": operation("g")},
        "/operation": {"get": "x", "parameters": "y"},
    }
    assert set(await Api(paths).definitions()) == {"good"}
    for path in ("parameter", "place", "broken-ref", "body", "body-ref", "query?a=b", "surrogate", "enum", "external"):
        assert path in caplog.text
    assert "evil" not in caplog.text


async def test_an_operation_without_an_id_or_parameters_is_a_tool() -> None:
    api = Api({"/projects/{id}/links": {"get": {}}})
    assert (await api.definitions())["list_project_links"].input_schema == {
        "type": "object",
        "properties": {"id": {"type": "string"}},
        "required": ["id"],
    }
    assert str((await api.sent("list_project_links", id="a b")).url) == "http://api/projects/a%20b/links"


async def test_references_to_parts_of_the_document_are_followed() -> None:
    api = Api(
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
    assert await properties(api) == {"id": {"type": "integer"}, "n": {"type": "integer"}}
    request = await api.sent("x", id="7", n="8")
    assert (request.url.path, request.content) == ("/x/7", b'{"n":8}')


async def test_circular_schemas_stay_circular() -> None:
    value = {"type": "string"}
    node = {"type": "object", "properties": {"value": value, "next": {"$ref": "#/components/schemas/Node"}}}
    api = of_body({"$ref": "#/components/schemas/Node"}, components={"schemas": {"Node": node}})
    (definition,) = (await api.definitions()).values()
    assert definition.input_schema["properties"] == {"value": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}}
    assert definition.input_schema["$defs"] == {
        "Node": {"type": "object", "properties": {"value": value, "next": {"$ref": "#/$defs/Node"}}}
    }


@pytest.mark.parametrize("target", ["#/components/schemas/A", "#/nowhere", "http://evil.example.com/a", "#", 7, None])
async def test_references_that_lead_nowhere_allow_anything(target: Any) -> None:
    api = of_query({"$ref": target}, components={"schemas": {"A": {"$ref": "#/components/schemas/A"}}})
    (definition,) = (await api.definitions()).values()
    assert set(definition.input_schema["properties"]) == {"q"}  # type: ignore[arg-type]  # an object
    assert (await api.sent("list_x", q="v")).url.query == b"q=v"


async def test_long_chains_and_deep_nests_do_no_harm() -> None:
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
    assert {"deep", "good"} <= set(await Api(paths, components={"schemas": schemas}).definitions())


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
    assert (await properties(api))["c"] == {"type": "boolean"}


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
    found = await properties(api)
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
    assert (await properties(of_query(schema)))["q"] == expected


async def test_null_stays_where_a_body_may_have_it() -> None:
    fields = {
        "a": {"type": "string", "nullable": True},
        "b": {"anyOf": [{"$ref": "#/components/schemas/E"}, {"type": "null"}]},
        "c": {"type": "string", "enum": ["x"], "nullable": True, "description": "C."},
        "d": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        "e": {"type": "string"},
    }
    api = of_body({"type": "object", "properties": fields}, components={"schemas": {"E": {"enum": ["e"]}}})
    assert await properties(api) == {
        "a": {"type": ["string", "null"]},
        "b": {"anyOf": [{"enum": ["e"]}, {"type": "null"}]},
        "c": {"description": "C.", "anyOf": [{"type": "string", "enum": ["x"], "description": "C."}, {"type": "null"}]},
        "d": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        "e": {"type": "string"},
    }
    request = await api.sent("create_x", a=None, b=None, c=None, d=None, e=None)
    assert json.loads(request.content) == {"a": None, "b": None, "c": None, "d": None}


async def test_a_choice_of_another_is_named() -> None:
    api = of_body(
        {
            "type": "object",
            "properties": {"b": {"$ref": "#/components/schemas/E"}, "c": {"$ref": "#/components/schemas/E"}},
        },
        components={"schemas": {"E": {"type": "string", "enum": [f"choice-{n}" for n in range(20)]}}},
    )
    with pytest.raises(ToolError, match=r'Argument b must be one of .*not "d"'):
        await api.sent("create_x", b="d")


async def test_names_are_mended_and_sent_as_they_were() -> None:
    parameters = [
        {"name": "page[size]", "in": "query", "schema": {"type": "integer"}},
        {"name": "page(size)", "in": "query", "schema": {}},
        {"name": "größe", "in": "query"},
        {"name": "x" * 70, "in": "query"},
        {"name": "id", "in": "query"},
        {"name": "id", "in": "header"},
        {"name": "id", "in": "cookie"},
    ]
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "@type": {"type": "string"}}}
    api = Api({"/x/{id}": {"post": operation("x", parameters=parameters, requestBody=body(schema))}})
    names = list(await properties(api))
    assert names == [
        "id__path",
        "page_size_",
        "page_size__2",
        "gr__e",
        "x" * 60,
        "id__query",
        "id__header",
        "id__cookie",
        "id",
        "_type",
    ]
    values = {name: index for index, name in enumerate(names)}
    request = await api.sent("x", **values | {"_type": "t"})
    assert (
        request.url.raw_path.decode() == f"/x/0?page%5Bsize%5D=1&page%28size%29=2&gr%C3%B6%C3%9Fe=3&{'x' * 70}=4&id=5"
    )
    assert (request.headers["id"], request.headers["cookie"], request.content) == ("6", "id=7", b'{"id":8,"@type":"t"}')


async def test_headers_that_are_not_the_models_are_no_arguments() -> None:
    headers = ["Authorization", "COOKIE", "Host", "Content-Type", "Accept", "If-Match"]
    parameters = [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in headers]
    api = Api({"/x": {"get": operation("x", parameters=parameters)}})
    assert list(await properties(api)) == ["If-Match"]
    request = await api.sent("x", **{"If-Match": "etag"})
    assert (request.headers["if-match"], request.headers["authorization"]) == ("etag", "Bearer admin-token")


@pytest.mark.parametrize(
    ("parameter", "value", "query"),
    [
        ({"schema": {"type": "array"}}, ["a b", "c&d"], b"q=a+b&q=c%26d"),
        ({"schema": {"type": "array"}, "explode": False}, ["a", "b"], b"q=a%2Cb"),
        ({"schema": {"type": "array"}, "style": "pipeDelimited"}, ["a", "b"], b"q=a%7Cb"),
        ({"schema": {"type": "object"}, "style": "deepObject"}, {"a": 1}, b"q%5Ba%5D=1"),
        ({"schema": {"type": "boolean"}, "style": 7, "explode": "x"}, True, b"q=true"),
        ({"content": {"application/json": {"schema": {"type": "object"}}}}, {"a": [1]}, b"q=%7B%22a%22%3A%5B1%5D%7D"),
        ({}, "anything", b"q=anything"),
    ],
)
async def test_queries_are_written_in_their_style(parameter: Any, value: Any, query: bytes) -> None:
    api = Api(
        {"/x": {"get": operation("x", parameters=[{"name": "q", "in": "query", "description": "Q.", **parameter}])}}
    )
    assert (await properties(api))["q"]["description"] == "Q."
    assert (await api.sent("x", q=value)).url.query == query


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
    assert list(await properties(of_body(schema))) == names


@pytest.mark.parametrize(
    ("media_type", "schema", "arguments", "sent"),
    [
        ("application/x-www-form-urlencoded", {"properties": {"a": {}}}, {"a": "b c"}, b"a=b+c"),
        ("text/plain", {"type": "string"}, {"body": "Hello"}, b"Hello"),
        (
            "application/merge-patch+json",
            {"properties": {"a": {"type": ["integer", "null"]}}},
            {"a": None},
            b'{"a": null}',
        ),
        ("application/json", {"type": "object"}, {"body": {}}, b"{}"),
        ("application/json", {"type": "array"}, {"body": []}, b"[]"),
    ],
)
async def test_a_body_is_sent_in_its_media_type(media_type: str, schema: Any, arguments: Any, sent: bytes) -> None:
    api = Api({"/x": {"post": operation("x", requestBody=body(schema, media_type))}})
    request = await api.sent("x", **arguments)
    assert (request.headers["content-type"], request.content) == (media_type, sent)


async def test_json_is_preferred_among_media_types() -> None:
    content = {"text/plain": {"schema": {}}, "application/json": {"schema": {"properties": {"a": {}}}}}
    api = Api({"/x": {"post": operation("x", requestBody={"content": content})}})
    assert (await api.sent("x", a=1)).content == b'{"a":1}'
    assert (await api.sent("x")).content == b""


async def test_descriptions_are_tidy_and_bounded() -> None:
    text = (
        "Get it,\nwrapped ``here``.\n\nSee :meth:`~x.y`.\x00\n\n"
        "Args:\n    q: The query,\n        wrapped.\n    z (int): No.\n\nReturns:\n    It.\n\nAfter."
    )
    api = Api(
        {
            "/a": {
                "get": operation("get_a", summary="Get A", description=text, parameters=[{"name": "q", "in": "query"}])
            },
            "/b": {"get": operation("get_b", summary="Something else", description="Long. " * 500)},
            "/c": {"get": operation("get_c", summary="Only this.")},
            "/d": {"get": operation("get_d", description="word" * 500)},
            "/e": {"get": operation("get_e")},
        }
    )
    found = await api.definitions()
    assert found["get_a"].description == "Get it, wrapped `here`.\nSee `x.y`.\nAfter."
    assert found["get_a"].input_schema["properties"] == {"q": {"description": "The query, wrapped."}}
    assert found["get_b"].description.startswith("Something else. Long. Long.")
    assert found["get_b"].description.endswith("Long.")
    assert max(len(definition.description) for definition in found.values()) <= 1000
    assert found["get_c"].description == "Only this."
    assert found["get_d"].description.endswith("wor…")
    assert found["get_e"].description == "get e"


@pytest.mark.slow
async def test_too_many_operations_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    api = Api({f"/x{n:05}": {"get": {}} for n in range(5001)})
    assert await api.tools.load() == 5000
    assert "x05000" in caplog.text
