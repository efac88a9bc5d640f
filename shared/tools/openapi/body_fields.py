"""What a body may hold of which the document only says that it is an object or a JSON Patch.

The fields come from the schema of the resource that the path is about: that of its creation, or that of the answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.tools.definitions.descriptions import shorten
from shared.tools.openapi.naming import singular
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.definitions.schemas import Schemas
    from shared.tools.openapi.document import RawOperation

_LONGEST = 700
_MOST_CHOICES = 12
_LONGEST_TEXT = 5_000
_WORD = bounded(r"\w+", _LONGEST_TEXT)
_NAMED_PATH = bounded(r"\b(?:only|targeting|and)\s+`*(/\w+)`*", _LONGEST_TEXT)
_IMMUTABLE = bounded(r"\b(?:immutable|read-only)\b", _LONGEST_TEXT)
_ATTEMPTED = bounded(r"\b(\w+) change attempted", _LONGEST_TEXT)
_SET_BY_API = frozenset(
    {
        "created_at",
        "created_by",
        "created_by_name",
        "id",
        "is_system",
        "last_authenticated",
        "last_login",
        "notification_path",
        "organization",
        "plugin_slug",
        "recorded_at",
        "recorded_by",
        "relationships",
        "score",
        "updated_at",
        "updated_by",
    }
)
_FIXED = frozenset({"email", "occurred_at", "organization_slug", "password", "project_id", "role_slug", "secret"})
"""Fields that are given at the creation and cannot be patched."""


def body_text(raw: RawOperation, schemas: Schemas) -> str | None:
    """Describe the body of an operation, or return None where there is no more to say than the document does.

    A JSON Patch's text names the paths that can be patched, an object's the fields that it can have.
    """
    schema = _json(raw.content.get("requestBody"), schemas)
    if _is_patch(schema, schemas):
        return _patch_text(raw, schemas)
    if schema.get("type") == "object" and "properties" not in schema and schema.get("additionalProperties") is True:
        return _object_text(raw, schemas)
    return None


def _immutable_fields(description: str) -> Iterator[str]:
    """Yield the words before `immutable` in each sentence, and the fields whose change is refused."""
    for sentence in description[:_LONGEST_TEXT].split("."):
        end = max((found.start() for found in _IMMUTABLE.finditer(sentence)), default=0)
        yield from _WORD.findall(sentence[:end])
    yield from _ATTEMPTED.findall(description)


def _patch_text(raw: RawOperation, schemas: Schemas) -> str:
    description = str(raw.content.get("description") or "")
    if names := dict.fromkeys(_NAMED_PATH.findall(description)):
        return f"JSON Patch (RFC 6902). Only these paths: {', '.join(names)}."
    refused = {*_SET_BY_API, *_FIXED, *_immutable_fields(description)}
    fields = {
        name: field
        for name, field in _resource(raw, schemas).items()
        if name not in refused and not (name == "version" and field.get("type") == "integer")
    }
    paths = ", ".join(f"/{name}/…" if _is_map(field) else f"/{name}" for name, field in fields.items())
    more = " Attributes that blueprints define are paths, too." if _blueprint(raw, schemas) else ""
    return shorten(f"JSON Patch (RFC 6902). Paths: {paths}.{more}", _LONGEST) if paths else "JSON Patch (RFC 6902)."


def _object_text(raw: RawOperation, schemas: Schemas) -> str | None:
    schema = _blueprint(raw, schemas) or _answer(raw.content, schemas)
    fields = {name: field for name, field in _fields(schema).items() if name not in _SET_BY_API}
    required = schema.get("required")
    needed = [name for name in fields if isinstance(required, list) and name in required]
    if not fields:
        return None
    parts = [f"Required: {_listed(needed, fields)}."] if needed else []
    others = [name for name in fields if name not in needed]
    parts += [f"Optional: {_listed(others, fields)}."] if others else []
    parts += ["Attributes that blueprints define are fields, too."] if _blueprint(raw, schemas) else []
    return shorten(" ".join(parts), _LONGEST)


def _resource(raw: RawOperation, schemas: Schemas) -> dict[str, JsonObject]:
    """Collect the fields of the thing that a path leads to, with the attributes that blueprints give it."""
    collection = raw.path.rstrip("/").rpartition("/")[0]
    created: dict[str, JsonObject] = {}
    for path in (collection, f"{collection}/"):
        operation = schemas.resolved({"$ref": f"#/paths/{_pointer(path)}/post"})
        created |= _fields(_json(operation.get("requestBody"), schemas))
    created = created or _fields(_component(f"{_noun(raw)}Create", schemas))
    defined = _fields(_blueprint(raw, schemas))
    if created:
        return {
            **created,
            **{name: field for name, field in defined.items() if _is_plain(field) and name not in created},
        }
    return defined or _fields(_answer(raw.content, schemas))


def _noun(raw: RawOperation) -> str:
    """Name the resource as schemas are named: /project-types/{slug} is about a ProjectType."""
    static = [part for part in raw.path.split("/") if part and "{" not in part]
    words = re.split(r"[-_]", static[-1]) if static else []
    if words[1:] == ["log"]:
        words = [singular(words[0]), "log"]
    return "".join(word.capitalize() for word in [*words[:-1], singular(words[-1])]) if words else ""


def _blueprint(raw: RawOperation, schemas: Schemas) -> JsonObject:
    """Find the schema that the API makes of a model and its blueprints."""
    return _component(f"{_noun(raw)}BlueprintRequest", schemas)


def _component(name: str, schemas: Schemas) -> JsonObject:
    return schemas.resolved({"$ref": f"#/components/schemas/{name}"})


def _answer(operation: JsonObject, schemas: Schemas) -> JsonObject:
    responses = operation.get("responses")
    for status in ("200", "201"):
        found = _json(responses.get(status), schemas) if isinstance(responses, dict) else {}
        if _fields(found):
            return found
    return {}


def _json(value: JsonValue, schemas: Schemas) -> JsonObject:
    """Take the JSON schema of a request's or a response's body."""
    content = schemas.resolved(value).get("content")
    media = content.get("application/json") if isinstance(content, dict) else None
    return schemas.resolved(media.get("schema")) if isinstance(media, dict) else {}


def _fields(schema: JsonObject) -> dict[str, JsonObject]:
    properties = schema.get("properties")
    items: Iterable[tuple[str, JsonValue]] = properties.items() if isinstance(properties, dict) else ()
    return {name: field for name, field in items if isinstance(field, dict) and field.get("readOnly") is not True}


def _is_patch(schema: JsonObject, schemas: Schemas) -> bool:
    items = schema.get("items")
    return schema.get("type") == "array" and {"op", "path"} <= _fields(schemas.resolved(items)).keys()


def _is_map(field: JsonObject) -> bool:
    return field.get("type") == "object" and "properties" not in field


def _is_plain(field: JsonObject) -> bool:
    members = field.get("anyOf")
    types = (
        [field, *(member for member in members if isinstance(member, dict))] if isinstance(members, list) else [field]
    )
    return any(each.get("type") in {"string", "integer", "number", "boolean"} for each in types)


def _listed(names: Iterable[str], fields: dict[str, JsonObject]) -> str:
    return ", ".join(_with_choices(name, fields[name]) for name in names)


def _with_choices(name: str, field: JsonObject) -> str:
    choices = field.get("enum")
    if not isinstance(choices, list) or len(choices) > _MOST_CHOICES:
        return name
    return f"{name} ({' | '.join(map(str, choices))})"


def _pointer(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1")
