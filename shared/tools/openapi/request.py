"""The HTTP request of a call, with every value in its place and in its style."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from shared.domain.errors import ToolError
from shared.tools.openapi.arguments import shape_of, shown
from shared.tools.openapi.files import base64_text, encoded, file_bytes, read_file
from shared.tools.openapi.media_types import charset_of, is_json_lines, sent_as
from shared.tools.openapi.multipart import Part, multipart_body
from shared.tools.openapi.parameters import BODY, PLACEHOLDER, Serialization
from shared.tools.openapi.path_values import check_path_value
from shared.tools.openapi.styles import json_of, leaves, pairs, segment, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.openapi.arguments import Values
    from shared.tools.openapi.body import Body, Content
    from shared.tools.openapi.operation import Operation
    from shared.tools.openapi.parameters import Argument

_CONTROL_CODES = frozenset(map(chr, [*range(0x20), 0x7F]))
_RESERVED = ":/?@!$'()*,;[]"
"""The characters that `allowReserved` leaves unquoted; those that would end a value in a query are not among them."""
_PLAIN_FIELD = Serialization("form", explode=True)


@dataclass(slots=True)
class ApiRequest:
    """A request, encoded; the path begins with a slash and is relative to the API's address."""

    method: str
    path: str
    decoded_path: str
    """The path with all values decoded, as a server reads it that decodes before it routes."""
    has_slashes: bool = False
    """Whether a value in the path has a slash."""
    query: str = ""
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    content: bytes = b""


def build_request(operation: Operation, values: Values) -> ApiRequest:
    """Write the request of a call.

    Raises:
        ToolError: a value cannot be sent in its place; the message names the argument.
    """
    request = _with_path(operation, values)
    query: list[tuple[str, str]] = []
    cookies: list[tuple[str, str]] = []
    for argument, value in values.of_arguments:
        how = argument.serialization or _PLAIN_FIELD
        match argument.location:
            case "query":
                query += pairs(argument.wire_name, value, how, _query_quote(how))
            case "header":
                text = segment(argument.wire_name, value, how, _checker(argument, value))
                request.headers.append((argument.wire_name, encoded(argument.name, text.strip(" \t"), "latin-1")))
            case "cookie":
                cookies += pairs(argument.wire_name, value, how, _checker(argument, value, also_refused=";"))
            case "path" | "body":
                pass
    request.query = "&".join(f"{name}={value}" for name, value in query)
    if cookies:
        text = "; ".join(f"{name}={value}" for name, value in cookies)
        request.headers.append(("Cookie", encoded(" or ".join(name for name, _ in cookies), text, "latin-1")))
    if operation.body is not None:
        _add_body(request, operation.body, values)
    return request


def _query_quote(how: Serialization) -> Callable[[str], str]:
    safe = _RESERVED if how.allows_reserved else ""
    return lambda text: quote(text, safe=safe, errors="replace")


def _checker(argument: Argument, value: JsonValue, also_refused: str = "") -> Callable[[str], str]:
    """Return a function that refuses texts which would not stay in their place in a header or cookie."""
    has_commas = isinstance(value, list | dict) and not (argument.serialization and argument.serialization.media_type)

    def checked(text: str) -> str:
        is_control = not _CONTROL_CODES.isdisjoint(text) or (also_refused and also_refused in text)
        if is_control or (has_commas and "," in text and text[:1] not in {"{", "["}):
            raise ToolError(f"Argument {argument.name} has characters that cannot be sent: {shown(text)}.")
        return text

    return checked


def _with_path(operation: Operation, values: Values) -> ApiRequest:
    """Fill in the path's parameters."""
    written: dict[str, str] = {}
    plain: dict[str, str] = {}
    has_slashes = False
    for argument, value in values.of_arguments:
        if argument.location == "path" and argument.serialization is not None:
            texts = leaves(value)
            for text in texts or [""]:
                has_slashes = check_path_value(argument.name, shown(value), text) or has_slashes
            written[argument.wire_name] = segment(argument.wire_name, value, argument.serialization, _path_quote)
            plain[argument.wire_name] = segment(argument.wire_name, value, argument.serialization, str)
    return ApiRequest(
        method=operation.method,
        path=PLACEHOLDER.sub(lambda match: written.get(match[1], ""), operation.path),
        decoded_path=PLACEHOLDER.sub(lambda match: plain.get(match[1], ""), operation.path),
        has_slashes=has_slashes,
    )


def _path_quote(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _add_body(request: ApiRequest, body: Body, values: Values) -> None:
    of_body = [(argument, value) for argument, value in values.of_arguments if argument.location == BODY]
    if not body.has_fields:
        for argument, value in of_body:
            _add_whole_body(request, body.content_for(shape_of(value)), argument, value)
        if not of_body and body.is_required:
            raise ToolError("Missing required argument: body.")
        return
    if not of_body and not values.other_fields and not body.is_required:
        return
    content = body.contents[0]
    if content.kind == "json":
        fields = {argument.wire_name: value for argument, value in of_body} | values.other_fields
        _set(request, content.media_type, encoded(BODY, json_of(fields)))
        return
    named = [(argument.wire_name, argument.name, value, argument.serialization) for argument, value in of_body]
    others = [(name, name, value, None) for name, value in values.other_fields.items() if value is not None]
    _add_form(request, content, [*named, *others])


def _add_whole_body(request: ApiRequest, content: Content, argument: Argument, value: JsonValue) -> None:
    if content.kind in {"form", "multipart"}:
        fields: JsonObject = value if isinstance(value, dict) else {argument.wire_name: value}
        _add_form(request, content, [(name, name, item, None) for name, item in fields.items() if item is not None])
    elif content.kind == "json":
        _set(request, content.media_type, encoded(argument.name, json_of(value)))
    elif content.kind == "binary":
        _set(request, content.media_type, file_bytes(argument.name, text_of(value)))
    else:
        text = text_of(value)
        if is_json_lines(content.media_type) and isinstance(value, list):
            text = "".join(f"{json_of(line)}\n" for line in value)
        _set(request, content.media_type, encoded(argument.name, text, charset_of(content.media_type)))


_Field = tuple[str, str, "JsonValue", "Serialization | None"]
"""A field of a form: its name, the argument's name, the value and how it is written."""


def _add_form(request: ApiRequest, content: Content, fields: list[_Field]) -> None:
    if content.kind == "form":
        found = [
            pair
            for name, _, value, how in fields
            for pair in pairs(name, value, _of_field(value, how), lambda text: quote_plus(text, errors="replace"))
        ]
        _set(request, content.media_type, "&".join(f"{name}={value}" for name, value in found).encode())
        return
    parts = [
        part for name, argument, value, how in fields for part in _parts(name, argument, value, _of_field(value, how))
    ]
    media_type, data = multipart_body(parts)
    _set(request, media_type, data)


def _of_field(value: JsonValue, how: Serialization | None) -> Serialization:
    """Return how a field is written; one that the document does not describe, by OpenAPI's defaults."""
    if how is not None:
        return how
    return (
        Serialization("form", explode=True, media_type="application/json") if isinstance(value, dict) else _PLAIN_FIELD
    )


def _parts(name: str, argument: str, value: JsonValue, how: Serialization) -> list[Part]:
    """Write a field as parts of a multipart form: one for each element of a list (RFC 7578, section 4.3)."""
    elements = value if isinstance(value, list) else [value]
    if how.is_file:
        return [_file_part(name, argument, text_of(each), how) for each in elements if each is not None]
    if how.media_type:
        return [_typed_part(name, argument, each, how.media_type) for each in elements]
    if isinstance(value, list) and how.explode:
        return [
            _typed_part(name, argument, each, "application/json" if isinstance(each, dict | list) else "")
            for each in elements
            if each is not None
        ]
    return [Part(key, encoded(argument, text)) for key, text in pairs(name, value, how, str)]


def _typed_part(name: str, argument: str, value: JsonValue, media_type: str) -> Part:
    is_json = "json" in media_type
    return Part(name, encoded(argument, json_of(value) if is_json else text_of(value)), media_type=media_type)


def _file_part(name: str, argument: str, text: str, how: Serialization) -> Part:
    file = read_file(argument, name, text)
    media_type = how.media_type if "/" in how.media_type and "*" not in how.media_type else file.media_type
    if how.is_base64:
        return Part(name, base64_text(argument, text), file.name, media_type, transfer_encoding="base64")
    return Part(name, file.content, file.name, media_type)


def _set(request: ApiRequest, media_type: str, data: bytes) -> None:
    request.headers.append(("Content-Type", sent_as(media_type).encode()))
    request.content = data
