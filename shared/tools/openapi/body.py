"""The body of an operation's request: its media types, and its fields where it is an object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from shared.tools.definitions.keywords import TYPES
from shared.tools.definitions.nullability import allows_null, without_null
from shared.tools.definitions.objects import object_parts
from shared.tools.openapi.files import FILE_SCHEMA, file_schema_of, is_file_list
from shared.tools.openapi.media_types import base_of, is_json, is_structured_text, is_text, is_xml
from shared.tools.openapi.parameters import BODY, Argument, Unusable, read_serialization
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.definitions.schemas import Schemas
    from shared.tools.openapi.parameters import Serialization

BodyKind: TypeAlias = Literal["json", "form", "multipart", "text", "binary"]

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_DEFAULT_SHAPES = {"application/json-patch+json": "array", "application/merge-patch+json": "object"}
_NO_NAME = bounded(r"[^a-zA-Z0-9_]+", 200)


@dataclass(frozen=True, slots=True)
class Content:
    """One media type that a body may have, and the JSON types of the values that fit it."""

    media_type: str
    kind: BodyKind
    shapes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body: fields that are arguments of their own, or one argument that is the whole body."""

    contents: tuple[Content, ...]
    """The media types to choose from by the shape of the value, the preferred one first."""
    is_required: bool
    has_fields: bool
    others: JsonValue = None
    """The schema of the fields that have no argument; None where there are none."""

    def content_for(self, shape: str) -> Content:
        """Return the media type for a value of a JSON type; the preferred one where none fits better."""
        return next((content for content in self.contents if shape in content.shapes), self.contents[0])


@dataclass(frozen=True, slots=True)
class _Media:
    """A media type of the document, with its schema and its encodings of fields."""

    media_type: str
    schema: JsonValue
    encodings: JsonObject


def read_body(request_body: JsonValue, schemas: Schemas) -> tuple[Body | None, list[Argument]]:
    """Read a request's body.

    Raises:
        Unusable: it cannot be read, or has only media types that cannot be written.
    """
    if request_body is None:
        return None, []
    resolved = schemas.resolved(request_body)
    is_required = resolved.get("required") is True
    chosen = _choose(_media_of(resolved.get("content")), schemas)
    contents = tuple(_content(media, schemas) for media in chosen)
    first, content = chosen[0], contents[0]
    fields = _read_fields(first.schema, schemas) if len(chosen) == 1 and content.kind != "binary" else None
    if fields is None or content.kind == "text":
        _check_writable(content)
        return Body(contents, is_required, has_fields=False), [
            _whole(chosen, content, schemas, is_required=is_required)
        ]
    arguments = [
        _field(name, fields, content.kind, first.encodings, schemas, is_required=is_required)
        for name in fields.properties
    ]
    return Body(contents, is_required, has_fields=True, others=fields.others), arguments


def _media_of(content: JsonValue) -> list[_Media]:
    found = []
    for media_type, media in content.items() if isinstance(content, dict) else ():
        if base_of(media_type) and media_type.isprintable():
            declared = media if isinstance(media, dict) else {}
            encodings = declared.get("encoding")
            found.append(_Media(media_type, declared.get("schema"), encodings if isinstance(encodings, dict) else {}))
    if not found:
        raise Unusable("its body cannot be read")
    return found


def _choose(found: list[_Media], schemas: Schemas) -> list[_Media]:
    """Choose JSON where there is any, then forms, then text: each further JSON type only for values of other shapes."""
    in_json = sorted(
        (media for media in found if is_json(media.media_type)),
        key=lambda media: base_of(media.media_type) != "application/json",
    )
    for wanted in (_FORM, _MULTIPART):
        if not in_json and (forms := [media for media in found if base_of(media.media_type) == wanted]):
            return forms[:1]
    if not in_json:
        return sorted(found, key=lambda media: (is_xml(media.media_type), not is_text(media.media_type)))[:1]
    chosen: list[_Media] = []
    covered: frozenset[str] = frozenset()
    for media in in_json:
        shapes = _shapes(media, schemas)
        if not shapes <= covered:
            chosen.append(media)
            covered |= shapes
    return chosen


def _content(media: _Media, schemas: Schemas) -> Content:
    base = base_of(media.media_type)
    kind: BodyKind = "text" if is_text(base) else "binary"
    if is_json(base):
        kind = "json"
    elif base in {_FORM, _MULTIPART}:
        kind = "form" if base == _FORM else "multipart"
    elif file_schema_of(media.schema, schemas) is not None:
        kind = "binary"
    return Content(media.media_type, kind, _shapes(media, schemas))


def _shapes(media: _Media, schemas: Schemas) -> frozenset[str]:
    found = shapes_of(media.schema, schemas)
    default = _DEFAULT_SHAPES.get(base_of(media.media_type))
    return frozenset({default}) if default and found == frozenset(TYPES) else found


def shapes_of(schema: JsonValue, schemas: Schemas, depth: int = 0) -> frozenset[str]:
    """Return the JSON types that a schema allows; all of them where it does not say."""
    resolved = schemas.resolved(schema)
    types = resolved.get("type")
    if isinstance(types, str | list):
        return frozenset(name for name in ([types] if isinstance(types, str) else types) if isinstance(name, str))
    if "properties" in resolved:
        return frozenset({"object"})
    for keyword in ("anyOf", "oneOf"):
        members = resolved.get(keyword)
        if isinstance(members, list) and members and not depth:
            return frozenset[str]().union(*(shapes_of(member, schemas, depth + 1) for member in members))
    members = resolved.get("allOf")
    if isinstance(members, list) and members and not depth:
        return frozenset(TYPES).intersection(*(shapes_of(member, schemas, depth + 1) for member in members))
    return frozenset({"array"}) if "items" in resolved else frozenset(TYPES)


def _check_writable(content: Content) -> None:
    """Refuse a body that is structured, in a format that cannot be made of arguments."""
    is_structured = content.shapes <= {"object", "array", "null"}
    if is_structured and content.kind in {"text", "binary"} and not is_structured_text(content.media_type):
        kind = "XML" if is_xml(content.media_type) else content.media_type
        raise Unusable(f"its body is {kind}, which cannot be written, and so it cannot be called")


def _whole(chosen: list[_Media], content: Content, schemas: Schemas, *, is_required: bool) -> Argument:
    """Make the one argument that is the whole body; it is named after the schema's title, as in `operations`."""
    if len(chosen) > 1:
        converted: JsonObject = {
            "anyOf": [schemas.converted(media.schema) or _only(media, schemas) for media in chosen]
        }
        return Argument(BODY, BODY, BODY, converted, is_required)
    schema = chosen[0].schema
    title = schema.get("title") if isinstance(schema, dict) and "$ref" not in schema else None
    name = _NO_NAME.sub("_", title).strip("_").lower() if isinstance(title, str) else ""
    converted = FILE_SCHEMA if content.kind == "binary" else schemas.converted(schema)
    is_nullable = content.kind == "json" and allows_null(schema, schemas)
    return Argument(
        name or BODY, BODY, BODY, converted if is_required else without_null(converted), is_required, is_nullable
    )


def _only(media: _Media, schemas: Schemas) -> JsonObject:
    types: list[JsonValue] = [*sorted(_shapes(media, schemas))]
    return {"type": types[0] if len(types) == 1 else types}


@dataclass(frozen=True, slots=True)
class _Fields:
    properties: JsonObject
    required: frozenset[str]
    others: JsonValue


def _read_fields(schema: JsonValue, schemas: Schemas) -> _Fields | None:
    """Read an object with named properties, alone or put together by `allOf`; return None for any other schema."""
    parts = object_parts(schema, schemas)
    properties: JsonObject = {}
    required: set[str] = set()
    others: JsonValue = None
    for part in parts:
        listed, names = part.get("properties"), part.get("required")
        for name, item in listed.items() if isinstance(listed, dict) else ():
            if not (isinstance(item, dict) and item.get("readOnly") is True):
                properties[name] = item
        required |= {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()
        extra = part.get("additionalProperties")
        if extra is True or isinstance(extra, dict):
            others = schemas.converted(extra) or True
    return _Fields(properties, frozenset(required), others) if properties else None


def _field(  # all of them describe the one field
    name: str, fields: _Fields, kind: BodyKind, encodings: JsonObject, schemas: Schemas, *, is_required: bool
) -> Argument:
    schema = fields.properties[name]
    is_required = is_required and name in fields.required
    converted = schemas.converted(schema)
    if kind == "json":
        return Argument(name, BODY, name, converted, is_required, allows_null(schema, schemas))
    encoding = encodings.get(name)
    serialization = form_serialization(schema, encoding if isinstance(encoding, dict) else {}, kind, schemas)
    if serialization.is_file:
        text = {"description": converted["description"]} if converted.get("description") else {}
        item: JsonObject = {**FILE_SCHEMA, **text}
        converted = {"type": "array", "items": FILE_SCHEMA, **text} if is_file_list(schema, schemas) else item
    return Argument(name, BODY, name, without_null(converted), is_required, serialization=serialization)


def form_serialization(schema: JsonValue, encoding: JsonObject, kind: BodyKind, schemas: Schemas) -> Serialization:
    """Choose how a field of a form is written: as its `encoding` says, else by OpenAPI's defaults.

    Without an encoding, objects are written as JSON, and lists as one field for each element.
    """
    has_style = bool({"style", "explode", "allowReserved"} & encoding.keys())
    declared = encoding.get("contentType")
    media_type = base_of(declared.split(",")[0]) if isinstance(declared, str) and not has_style else ""
    serialization = read_serialization(encoding, BODY, media_type)
    if (
        not media_type
        and not has_style
        and "object" in (shapes := shapes_of(schema, schemas))
        and "array" not in shapes
    ):
        serialization = replace(serialization, media_type="application/json")
    if kind == "multipart":
        file = file_schema_of(schema, schemas)
        is_typeless = media_type and not is_json(media_type) and not is_text(media_type)
        if file is not None or (is_typeless and "string" in shapes_of(schema, schemas)):
            is_base64 = file is not None and file.get("contentEncoding") == "base64"
            return replace(serialization, is_file=True, is_base64=is_base64)
    return serialization
