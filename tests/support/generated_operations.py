"""More than a thousand operations: styles x locations x types x nullability x media types, each with one call."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tests.support import expected_requests as expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.recording_server import Recorded

STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
STRINGS = {"type": "array", "items": {"type": "string"}}
TYPES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "string": ({"type": "string"}, ["plain", "a b&c=d?e#f+g%41"]),
    "integer": ({"type": "integer"}, [7, -9007199254740993]),
    "number": ({"type": "number"}, [1.5, 1e30]),
    "boolean": ({"type": "boolean"}, [True, False]),
    "strings": (STRINGS, [["a", "b c"], ["x=1", "é"]]),
    "integers": ({"type": "array", "items": {"type": "integer"}}, [[1, 2, 3], [0]]),
    "booleans": ({"type": "array", "items": {"type": "boolean"}}, [[True, False], [False]]),
    "objects": ({"type": "array", "items": {"type": "object"}}, [[{"a": 1}], [{"b": [True, None]}, {}]]),
    "object": ({"type": "object"}, [{"a": "x y", "n": 1}, {"é": True}]),
    "nested": ({"type": "object"}, [{"tags": ["p", "q"], "at": {"gte": 1}}, {"deep": {"er": ["x"]}}]),
}
REFUSED_IN_TEXT = ("é", "[", "{")
"""A header or a cookie of a list cannot carry these without a rule for it; they are tried elsewhere."""


@dataclass
class Case:
    """One operation, one call of it, and the check of the request that arrives."""

    name: str
    path: str
    method: str
    operation: dict[str, Any]
    arguments: dict[str, Any]
    check: Callable[[Recorded], None]
    components: dict[str, Any] = field(default_factory=dict)


class Generator:
    """Numbers the operations, so that each has a path of its own."""

    def __init__(self) -> None:
        self._count = 0

    def cases(self) -> Iterator[Case]:
        """Generate all cases."""
        yield from self._parameters()
        yield from self._json_bodies()
        yield from self._forms()
        yield from self._multipart_forms()
        yield from self._raw_bodies()
        yield from self._patches()

    def _case(
        self, arguments: dict[str, Any], check: Callable[[Recorded], None], path: str = "", **operation: Any
    ) -> Case:
        self._count += 1
        name = f"op_{self._count}"
        return Case(name, f"/{name}{path}", "post", {"operationId": name, **operation}, arguments, check)

    def _parameters(self) -> Iterator[Case]:
        for location, kind, explode in product(STYLES, TYPES, (False, True, None)):
            schema, values = TYPES[kind]
            for style, value in product(STYLES[location], values):
                if location in {"header", "cookie"} and any(
                    part in json.dumps(value, ensure_ascii=False)[1:] for part in REFUSED_IN_TEXT
                ):
                    continue
                yield self._parameter(location, style, schema, value, explode=explode)

    def _parameter(self, location: str, style: str, schema: Any, value: Any, *, explode: bool | None) -> Case:
        declared = {"name": "p", "in": location, "schema": schema, "style": style, "required": True}
        default = style in {"form", "deepObject"} and location != "cookie"
        explodes = default if explode is None or style == "deepObject" else explode
        if explode is not None:
            declared["explode"] = explode

        def check(request: Recorded) -> None:
            path, _, query = request.target.partition("?")
            found = {"path": path.rpartition("/")[2], "query": query}
            found |= {name: request.header({"header": "p"}.get(name, name)) for name in ("header", "cookie")}
            match location:
                case "path":
                    wanted = expected.in_path(style, "p", value, explode=explodes)
                case "query":
                    wanted = expected.in_query(style, "p", value, explode=explodes)
                case "header":
                    wanted = expected.in_header(value, explode=explodes)
                case _:
                    wanted = expected.in_cookie("p", value, explode=explodes)
            assert found[location] == wanted

        return self._case({"p": value}, check, "/{p}" if location == "path" else "", parameters=[declared])

    def _json_bodies(self) -> Iterator[Case]:
        media_types = ("application/json", "application/merge-patch+json", "application/vnd.imbi+json; v=1")
        for media_type, kind, (nullable, allows) in product(media_types, TYPES, nullable_forms()):
            schema, values = TYPES[kind]
            for value in (*(values if media_type == "application/json" else values[:1]), None):
                field_schema = nullable(schema, values)
                body = {"type": "object", "properties": {"f": field_schema, "g": {"type": "string"}}}
                wanted = {"f": value} if value is not None or allows else {}
                yield self._json_body(media_type, body, {"f": value}, wanted)
        for kind, (schema, values) in TYPES.items():
            for value in values:
                if not isinstance(value, dict):
                    yield self._json_body("application/json", schema, {"body": value}, value)
                yield self._json_body(
                    "application/json", {"title": kind, "anyOf": [schema, {"type": "null"}]}, {kind: value}, value
                )
            yield self._json_body("application/json", {"title": kind, **schema, "nullable": True}, {kind: None}, None)

    def _json_body(self, media_type: str, schema: Any, arguments: dict[str, Any], wanted: Any) -> Case:
        def check(request: Recorded) -> None:
            assert request.header("content-type") == media_type
            assert json.loads(request.body) == wanted
            assert request.body == expected.compact(wanted).encode()

        content = {media_type: {"schema": schema}}
        return self._case(arguments, check, requestBody={"required": True, "content": content})

    def _forms(self) -> Iterator[Case]:
        encodings: list[dict[str, Any] | None] = [
            None,
            {"contentType": "application/json"},
            {"contentType": "text/plain"},
        ]
        encodings += [{"style": style} for style in STYLES["query"]]
        encodings += [
            {"style": style, "explode": flag}
            for style in ("form", "spaceDelimited", "pipeDelimited")
            for flag in (True, False)
        ]
        for encoding, (schema, values) in product(encodings, TYPES.values()):
            for value in values:
                if encoding != {"style": "deepObject"} or isinstance(value, dict):
                    yield self._form(encoding, schema, value)

    def _form(self, encoding: dict[str, Any] | None, schema: Any, value: Any) -> Case:
        def check(request: Recorded) -> None:
            assert request.header("content-type") == "application/x-www-form-urlencoded"
            found = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
            wanted = (
                _deep_form("f", value)
                if encoding == {"style": "deepObject"}
                else expected.in_form("f", value, encoding)
            )
            assert found == wanted

        media: dict[str, Any] = {"schema": {"type": "object", "properties": {"f": schema, "g": {"type": "string"}}}}
        if encoding:
            media["encoding"] = {"f": encoding}
        content = {"application/x-www-form-urlencoded": media}
        return self._case({"f": value, "g": None}, check, requestBody={"required": True, "content": content})

    def _multipart_forms(self) -> Iterator[Case]:
        encodings: tuple[dict[str, Any] | None, ...] = (
            None,
            {"contentType": "application/json"},
            {"style": "form", "explode": False},
        )
        for encoding, (schema, values) in product(encodings, TYPES.values()):
            for value in values:
                yield self._multipart(encoding, schema, {"f": value}, expected.in_multipart("f", value, encoding))
        yield self._multipart(None, STRINGS, {"f": []}, [])
        data = "data:image/png;base64,AAEC/w=="
        binary: list[dict[str, Any]] = [
            {"type": "string", "format": "binary"},
            {"type": "string", "format": "binary", "nullable": True},
            {"type": ["string", "null"], "contentMediaType": "application/octet-stream"},
            {"anyOf": [{"type": "string", "contentMediaType": "application/octet-stream"}, {"type": "null"}]},
            {"$ref": "#/components/schemas/Binary"},
            {"allOf": [{"$ref": "#/components/schemas/Binary"}]},
        ]
        for schema in binary:
            one = [("f", "f.txt", "text/plain", "né".encode())]
            yield self._multipart(None, schema, {"f": "né"}, one)
            yield self._multipart(None, schema, {"f": data}, [("f", "f.png", "image/png", b"\x00\x01\x02\xff")])
            two = [*one, ("f", "f.png", "image/png", b"\x00\x01\x02\xff")]
            for several in (
                {"type": "array", "items": schema},
                {"anyOf": [{"type": "array", "items": schema}, {"type": "null"}]},
            ):
                yield self._multipart(None, several, {"f": ["né", data]}, two)
                yield self._multipart(None, several, {"f": "né"}, one)

    def _multipart(self, encoding: dict[str, Any] | None, schema: Any, arguments: dict[str, Any], wanted: Any) -> Case:
        def check(request: Recorded) -> None:
            assert request.header("content-type").startswith("multipart/form-data; boundary=")
            assert request.parts() == wanted

        media: dict[str, Any] = {"schema": {"type": "object", "properties": {"f": schema, "g": {"type": "string"}}}}
        if encoding:
            media["encoding"] = {"f": encoding}
        content = {"multipart/form-data": media}
        return self._case(arguments, check, requestBody={"required": True, "content": content})

    def _raw_bodies(self) -> Iterator[Case]:
        text, data = "né <a>", "data:image/png;base64,AAEC/w=="
        binary = {"type": "string", "format": "binary"}
        for media_type, schema in product(
            ("application/octet-stream", "image/png", "application/zip"), (binary, {}, {"type": "string"})
        ):
            yield self._raw(media_type, schema, text, text.encode())
            yield self._raw(media_type, schema, data, b"\x00\x01\x02\xff")
        for media_type in ("text/plain", "text/csv", "application/xml", "application/yaml"):
            yield self._raw(media_type, {"type": "string"}, text, text.encode())
        yield self._raw("text/plain; charset=latin-1", {"type": "string"}, text, text.encode("latin-1"))
        yield self._raw("application/yaml", {"type": "object"}, {"a": [1, None]}, b'{"a":[1,null]}')
        yield self._raw("application/x-ndjson", {"type": "array"}, [{"a": 1}, 2], b'{"a":1}\n2\n')

    def _raw(self, media_type: str, schema: Any, value: Any, wanted: bytes) -> Case:
        def check(request: Recorded) -> None:
            assert (request.header("content-type"), request.body) == (media_type, wanted)

        content = {media_type: {"schema": schema}}
        return self._case({"body": value}, check, requestBody={"required": True, "content": content})

    def _patches(self) -> Iterator[Case]:
        content = {
            "application/merge-patch+json": {"schema": {"type": "object"}},
            "application/json-patch+json": {"schema": {"type": "array", "items": {"type": "object"}}},
        }
        for value, media_type in (
            ({"a": None}, "application/merge-patch+json"),
            ([{"op": "remove"}], "application/json-patch+json"),
        ):

            def check(request: Recorded, value: Any = value, media_type: str = media_type) -> None:
                assert (request.header("content-type"), json.loads(request.body)) == (media_type, value)

            yield self._case({"body": value}, check, requestBody={"required": True, "content": content})


def _deep_form(name: str, value: Any) -> list[tuple[str, str]]:
    return parse_qsl(expected.in_query("deepObject", name, value, explode=True))


def nullable_forms() -> list[tuple[Callable[[dict[str, Any], list[Any]], dict[str, Any]], bool]]:
    """List the ways to write that null is allowed, and two in which it is not."""
    return [
        (lambda schema, _: schema, False),
        (lambda schema, _: {"anyOf": [schema, {"type": "object", "maxProperties": 9}]}, False),
        (lambda schema, _: {**schema, "nullable": True}, True),
        (lambda schema, _: {**schema, "type": [schema["type"], "null"]}, True),
        (lambda schema, _: {"anyOf": [schema, {"type": "null"}]}, True),
        (lambda schema, _: {"oneOf": [{"type": "null"}, schema]}, True),
        (lambda schema, _: {"anyOf": [{"type": [schema["type"], "null"]}, {"type": "integer"}]}, True),
        (lambda _, values: {"enum": [*values, None]}, True),
        (lambda schema, _: {"allOf": [{**schema, "nullable": True}]}, True),
        (lambda _, __: {"$ref": "#/components/schemas/Anything"}, True),
        (lambda _, __: {}, True),
    ]


COMPONENTS = {
    "schemas": {
        "Binary": {"type": "string", "format": "binary"},
        "Anything": {"type": ["string", "number", "boolean", "array", "object", "null"], "description": "Any. " * 30},
    }
}


def document_of(cases: list[Case]) -> dict[str, Any]:
    """Write the document that has all cases."""
    paths = {case.path: {case.method: {**case.operation, "responses": {}}} for case in cases}
    info = {"title": "Generated", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": COMPONENTS}
