"""An operation of the API as a tool: its definition, and where each argument of a call goes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from shared.domain.ports import ToolDefinition
from shared.tools.definitions.descriptions import describe
from shared.tools.definitions.schemas import PROPERTY_NAME, Schemas, without_null
from shared.tools.openapi.explanations import explained

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.openapi.document import RawOperation

Location: TypeAlias = Literal["path", "query", "header", "cookie", "body"]

BODY: Final = "body"
"""The name of the one argument that a body is where it has no fields of its own."""

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_STYLES = frozenset({"form", "spaceDelimited", "pipeDelimited", "deepObject"})
_NOT_OURS = frozenset(
    {
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that the HTTP client or the caller's credential sets, never the model."""


_FILE: JsonObject = {"type": "string", "description": "The file's text, or a data: URI of its content."}


class Unusable(ValueError):
    """An operation cannot be made into a tool; the message says why."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a tool, and where it goes in the request."""

    name: str
    location: Location
    wire_name: str
    schema: JsonObject
    is_required: bool = False
    is_json: bool = False
    """The value is sent as JSON text."""
    is_file: bool = False
    """The value is sent as a file of a form."""
    style: str | None = None
    explode: bool | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """What a request's body is: fields that are arguments of their own, or one argument that is all of it."""

    media_type: str
    is_required: bool
    has_fields: bool
    others: JsonValue = None
    """The schema of fields that have no argument; None where there are none."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A tool of the API."""

    definition: ToolDefinition
    method: str
    path: str
    arguments: Mapping[str, Argument]
    body: Body | None
    permissions: frozenset[str]

    def address(self, values: Mapping[tuple[Location, str], object]) -> str:
        """Fill in the path's parameters, as they are before they are encoded."""
        return _PLACEHOLDER.sub(lambda match: str(values.get(("path", match[1]), "")), self.path)


def read_operation(raw: RawOperation, name: str, schemas: Schemas) -> Operation:
    """Make a tool of an operation.

    Raises:
        Unusable: it cannot be called with what the document says.
    """
    if not raw.path.isprintable() or re.search(r"[?#\\\s]", raw.path):
        raise Unusable("its path cannot be called")
    body, fields = _body(raw.content.get("requestBody"), schemas)
    text, texts = describe(name, raw.content.get("summary"), raw.content.get("description"))
    given = [*_parameters(raw, schemas), *fields]
    whole = fields[0].name if body is not None and not body.has_fields else None
    named = _named(given, explained([each.name for each in given], whole, texts, raw, name, schemas))
    schema = schemas.assembled(
        {argument.name: argument.schema for argument in named},
        [argument.name for argument in named if argument.is_required],
        others=body.others if body else None,
    )
    properties = schema["properties"]
    items = properties if isinstance(properties, dict) else {}
    arguments = {
        argument.name: replace(argument, schema=item)
        for argument in named
        if isinstance(item := items[argument.name], dict)
    }
    return Operation(ToolDefinition(name, text, schema), raw.method, raw.path, arguments, body, raw.permissions)


def _parameters(raw: RawOperation, schemas: Schemas) -> list[Argument]:
    """Read the parameters; what the path needs and nobody declared is a text."""
    placeholders = dict.fromkeys(_PLACEHOLDER.findall(raw.path))
    declared = [_parameter(parameter, schemas) for parameter in raw.parameters]
    kept = [
        argument
        for argument in declared
        if not (argument.location == "header" and argument.wire_name.lower() in _NOT_OURS)
        and (argument.location != "path" or argument.wire_name in placeholders)
    ]
    known = {argument.wire_name for argument in kept if argument.location == "path"}
    missing = [
        Argument(name, "path", name, {"type": "string"}, is_required=True) for name in placeholders if name not in known
    ]
    return [*missing, *kept]


def _parameter(parameter: JsonObject, schemas: Schemas) -> Argument:
    name, location = parameter.get("name"), _location(parameter.get("in"))
    if not isinstance(name, str) or not name or not name.isprintable() or location is None:
        raise Unusable("a parameter cannot be read")
    schema, content = parameter.get("schema"), parameter.get("content")
    media_type, of_content = _first_content(content)
    converted = without_null(schemas.converted(of_content if schema is None else schema))
    if isinstance(text := parameter.get("description"), str) and "description" not in converted:
        converted = {**converted, **schemas.converted({"description": text})}
    style, explode = parameter.get("style"), parameter.get("explode")
    return Argument(
        name=name,
        location=location,
        wire_name=name,
        schema=converted,
        is_required=location == "path" or parameter.get("required") is True,
        is_json=schema is None and "json" in media_type,
        style=style if isinstance(style, str) and style in _STYLES and location == "query" else None,
        explode=explode if isinstance(explode, bool) and location == "query" else None,
    )


def _location(value: JsonValue) -> Location | None:
    return next((location for location in get_args(Location) if location == value != BODY), None)


def _first_content(content: JsonValue) -> tuple[str, JsonValue]:
    """Choose the media type of a body or parameter: JSON, then forms, then what comes first."""
    if not isinstance(content, dict) or not content:
        return "", None
    order = ("json", "x-www-form-urlencoded", "form-data", "text/")
    chosen = next((media for part in order for media in content if part in media.lower()), next(iter(content)))
    media = content[chosen]
    return chosen.lower(), media.get("schema") if isinstance(media, dict) else None


def _body(request_body: JsonValue, schemas: Schemas) -> tuple[Body | None, list[Argument]]:
    if request_body is None:
        return None, []
    resolved = schemas.resolved(request_body)
    media_type, schema = _first_content(resolved.get("content"))
    if not media_type or not media_type.isprintable():
        raise Unusable("its body cannot be read")
    is_required = resolved.get("required") is True
    fields = _fields(schema, schemas)
    if fields is None:
        return Body(media_type, is_required, has_fields=False), [_whole(schema, schemas, is_required=is_required)]
    is_form = "form-data" in media_type
    arguments = [
        Argument(
            name,
            BODY,
            name,
            _FILE if is_form and name in fields.files else item,
            is_required=is_required and name in fields.required,
            is_file=is_form and name in fields.files,
        )
        for name, item in fields.properties.items()
    ]
    return Body(media_type, is_required, has_fields=True, others=fields.others), arguments


def _whole(schema: JsonValue, schemas: Schemas, *, is_required: bool) -> Argument:
    """Make the one argument that a body is; it is named by the schema's title, as in `operations`."""
    title = (
        schemas.resolved(schema).get("title") if "$ref" not in (schema if isinstance(schema, dict) else {}) else None
    )
    name = re.sub(r"\W+", "_", title, flags=re.ASCII).strip("_").lower() if isinstance(title, str) else ""
    converted = schemas.converted(schema)
    return Argument(name or BODY, BODY, BODY, converted if is_required else without_null(converted), is_required)


@dataclass(frozen=True, slots=True)
class _Fields:
    properties: dict[str, JsonObject]
    required: frozenset[str]
    files: frozenset[str]
    others: JsonValue


def _fields(schema: JsonValue, schemas: Schemas) -> _Fields | None:
    """Read a body that is an object with named properties, alone or put together by allOf; None for all others."""
    parts = object_parts(schema, schemas)
    if not parts:
        return None
    properties: dict[str, JsonObject] = {}
    required: set[str] = set()
    files: set[str] = set()
    others: JsonValue = None
    for part in parts:
        listed, names = part.get("properties"), part.get("required")
        for name, item in listed.items() if isinstance(listed, dict) else ():
            if not (isinstance(item, dict) and item.get("readOnly") is True):
                properties[name] = schemas.converted(item)
                files |= {name} if _is_binary(item) else set()
        required |= {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()
        extra = part.get("additionalProperties")
        if extra is True or isinstance(extra, dict):
            others = schemas.converted(extra) or True
    return _Fields(properties, frozenset(required), frozenset(files), others) if properties else None


def _is_binary(schema: JsonValue) -> bool:
    return isinstance(schema, dict) and (schema.get("format") == "binary" or "contentMediaType" in schema)


def object_parts(schema: JsonValue, schemas: Schemas, depth: int = 0) -> list[JsonObject]:
    """Split a schema into plain objects whose properties hold side by side; empty where it is more than that."""
    resolved = schemas.resolved(schema)
    for keyword in ("anyOf", "oneOf"):
        members = resolved.get(keyword)
        if isinstance(members, list) and "properties" not in resolved:
            others = [member for member in members if member != {"type": "null"}]
            if len(others) != 1:
                return []
            resolved = schemas.resolved(others[0])
    members = resolved.get("allOf")
    if {"anyOf", "oneOf", "not", "patternProperties"} & resolved.keys() or depth > 1:
        return []
    if not isinstance(members, list):
        return [resolved] if resolved.get("type", "object") == "object" and "properties" in resolved else []
    parts = [object_parts(member, schemas, depth + 1) for member in members]
    own = [resolved] if "properties" in resolved else []
    return [part for found in parts for part in found] + own if all(parts) else []


def _named(arguments: Iterable[Argument], texts: Mapping[str, str]) -> list[Argument]:
    """Give each argument a name that the Messages API accepts and no other has.

    A parameter that shares its name with a field of the body, or with one elsewhere, is told apart by its place.
    """
    found = list(arguments)
    shared = Counter(argument.name for argument in found)
    names: set[str] = set()
    result = []
    for argument in sorted(found, key=lambda argument: argument.location == BODY):
        is_shared = shared[argument.name] > 1 and argument.location != BODY
        name = _free_name(f"{argument.name}__{argument.location}" if is_shared else argument.name, names)
        names.add(name)
        text = texts.get(argument.name) or ("In the path." if is_shared and argument.location == "path" else "")
        schema = {"description": text, **argument.schema} if text else argument.schema
        result.append(replace(argument, name=name, schema=schema))
    return result


def _free_name(wanted: str, names: set[str]) -> str:
    """Mend a name: `page[size]` becomes `page_size_`."""
    stem = wanted if PROPERTY_NAME.fullmatch(wanted) else (re.sub(r"[^a-zA-Z0-9_.-]", "_", wanted)[:60] or "_")
    name, number = stem, 1
    while name in names:
        number += 1
        name = f"{stem[:60]}_{number}"
    return name
