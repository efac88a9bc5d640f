"""A call's arguments: checked, read as leniently as the API reads them, and sorted by where they go."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

import orjson

from shared.domain.errors import ToolError
from shared.tools.definitions.keywords import TYPES
from shared.tools.openapi.operation import BODY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.openapi.operation import Argument, Location, Operation

File: TypeAlias = tuple[str, bytes, str]
"""A file of a form: its name, its content, its media type."""

Placed: TypeAlias = "dict[tuple[Location, str], object]"
"""Values by place and wire name; the body as a whole is at ("body", "body")."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_LONGEST_SHOWN = 60
_LONGEST_CHOICES = 400
_MOST_DECODINGS = 8
_TYPE_NAMES = {
    type(None): frozenset({"null"}),
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"number"}),
    str: frozenset({"string"}),
    list: frozenset({"array"}),
    dict: frozenset({"object"}),
}
_ARTICLES = {"integer": "an integer", "array": "an array", "object": "an object", "null": "null"}


def placed(operation: Operation, arguments: JsonObject) -> Placed:
    """Sort a call's arguments by where they go.

    Raises:
        ToolError: an argument is missing, unknown or of the wrong type; the message names it.
    """
    given = _given(operation, arguments)
    missing = [name for name, argument in operation.arguments.items() if argument.is_required and name not in given]
    if missing:
        raise ToolError(f"Missing required argument{'s' if missing[1:] else ''}: {', '.join(missing)}.")
    values: Placed = {}
    fields: dict[str, object] = {}
    definitions = operation.definition.input_schema.get("$defs")
    for name, value in given.items():
        argument = operation.arguments.get(name)
        if argument is None:
            fields[name] = value
            continue
        read = _read(argument, value, definitions if isinstance(definitions, dict) else {})
        if argument.location == BODY and operation.body and operation.body.has_fields:
            fields[argument.wire_name] = read
        else:
            values[argument.location, argument.wire_name] = read
    if operation.body and operation.body.has_fields and (fields or operation.body.is_required):
        values[BODY, BODY] = fields
    return values


def _given(operation: Operation, arguments: JsonObject) -> JsonObject:
    """Leave out null where it can only mean that there is no value, and refuse names that lead nowhere."""
    takes_others = operation.body is not None and operation.body.others is not None
    given: JsonObject = {}
    for name, value in arguments.items():
        argument = operation.arguments.get(name)
        if argument is None and not takes_others:
            known = ", ".join(operation.arguments) or "no arguments"
            raise ToolError(f"There is no argument {_shown(name)}. {operation.definition.name} takes {known}.")
        if value is not None or argument is None or (argument.location == BODY and _allows_null(argument.schema)):
            given[name] = value
    return given


def _allows_null(schema: JsonObject) -> bool:
    types, members = schema.get("type"), schema.get("anyOf")
    return (isinstance(types, list) and "null" in types) or (isinstance(members, list) and {"type": "null"} in members)


def _read(argument: Argument, value: JsonValue, definitions: Mapping[str, JsonValue]) -> object:
    schema = _resolved(argument.schema, definitions)
    types = _types(schema, definitions)
    read = _fitted(argument, value, types)
    choices = schema.get("enum")
    if isinstance(choices, list) and read is not None and read not in choices:
        raise ToolError(
            f"Argument {argument.name} must be one of {_shown(choices, _LONGEST_CHOICES)}, not {_shown(value)}."
        )
    if argument.is_file:
        return _file(argument.wire_name, str(read))
    if argument.is_json:
        return json.dumps(read, ensure_ascii=False, separators=(",", ":"))
    return read if argument.location in {BODY, "query"} else _checked_text(argument, read)


def _resolved(schema: JsonObject, definitions: Mapping[str, JsonValue]) -> JsonObject:
    reference = schema.get("$ref")
    target = definitions.get(reference.rpartition("/")[2]) if isinstance(reference, str) else None
    return target if isinstance(target, dict) else schema


def _types(schema: JsonObject, definitions: Mapping[str, JsonValue]) -> frozenset[str]:
    """Tell which types a schema allows; what cannot be told at a glance is left to the API."""
    types, members = schema.get("type"), schema.get("anyOf")
    if isinstance(types, str):
        return frozenset({types})
    if isinstance(types, list):
        return frozenset(name for name in types if isinstance(name, str))
    if not isinstance(members, list):
        return frozenset(TYPES)
    known = [_types(_resolved(item, definitions), {}) for item in members if isinstance(item, dict)]
    return frozenset[str]().union(*known) if len(known) == len(members) else frozenset(TYPES)


def _fitted(argument: Argument, value: JsonValue, types: frozenset[str]) -> JsonValue:
    """Read a value as one of the types, as a web framework reads it from a query or a lenient body."""
    if _type_names(value) & types:
        return int(value) if isinstance(value, float) and types & {"integer", "number"} == {"integer"} else value
    if isinstance(value, str):
        parsed = _parsed(value, types)
        if _type_names(parsed) & types and parsed is not None:
            return _fitted(argument, parsed, types)
    is_parameter = argument.location != BODY
    if "string" in types and isinstance(value, int | float) and (is_parameter or not isinstance(value, bool)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if "array" in types and argument.location == "query" and isinstance(value, str | int | float):
        return [value]
    wanted = " or ".join(_ARTICLES.get(name, f"a {name}") for name in TYPES if name in types)
    raise ToolError(f"Argument {argument.name} must be {wanted}, not {_shown(value)}.")


def _parsed(text: str, types: frozenset[str]) -> JsonValue:
    """Read JSON that came as text; models write lists and objects so, now and then."""
    if "boolean" in types and text.strip().lower() in {"true", "false"}:
        return text.strip().lower() == "true"
    try:
        parsed: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return parsed


def _type_names(value: JsonValue) -> frozenset[str]:
    if isinstance(value, float) and value.is_integer():
        return frozenset({"integer", "number"})
    return _TYPE_NAMES[type(value)]


def _checked_text(argument: Argument, value: JsonValue) -> str:
    """Refuse what would not stay in its place in the request: a segment of the path, a header, a cookie."""
    if isinstance(value, list | dict):
        raise ToolError(f"Argument {argument.name} must be a single value, not {_shown(value)}.")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if argument.location == "path":
        _check_segment(argument.name, text)
    elif _CONTROL.search(text) or (argument.location == "cookie" and ";" in text):
        raise ToolError(f"Argument {argument.name} has characters that cannot be sent: {_shown(text)}.")
    return text


def _check_segment(name: str, text: str) -> None:
    """Refuse what is not one segment of a path, however often it is decoded on its way."""
    for _ in range(_MOST_DECODINGS):
        if not text or text in {".", ".."} or re.search(r"[/\\]", text) or _CONTROL.search(text):
            raise ToolError(f"Argument {name} must be one segment of a path, without slashes: {_shown(text)} is not.")
        decoded = unquote(text)
        if decoded == text:
            return
        text = decoded
    raise ToolError(f"Argument {name} is encoded too often.")


def _file(name: str, text: str) -> File:
    """Read a file's content: a data: URI, or the text itself."""
    header, comma, content = text.partition(",")
    if not comma or not header.lower().startswith("data:"):
        is_svg = text.lstrip().startswith("<svg")
        return (
            f"{name}.svg" if is_svg else f"{name}.txt",
            text.encode("utf-8", "replace"),
            "image/svg+xml" if is_svg else "text/plain",
        )
    media_type, *parameters = header[len("data:") :].lower().split(";")
    try:
        data = b64decode(content, validate=True) if "base64" in parameters else unquote_to_bytes(content)
    except ValueError:
        raise ToolError(f"Argument {name} is no valid data: URI.") from None
    if not _MEDIA_TYPE.fullmatch(media_type):
        media_type = "application/octet-stream" if media_type else "text/plain"
    extension = re.sub(r"[^a-z0-9].*", "", media_type.partition("/")[2]) or "bin"
    return f"{name}.{extension}", data, media_type


def _shown(value: JsonValue, longest: int = _LONGEST_SHOWN) -> str:
    text = json.dumps(value)
    return text if len(text) <= longest else f"{text[:longest]}…"
