"""Whether a schema allows null, and the ways to write that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import JsonObject

    class Resolver(Protocol):
        """Follows references."""

        def resolved(self, value: JsonValue) -> JsonObject:
            """Return the schema that a reference stands for."""
            ...


_MAX_DEPTH = 16
_NULL: JsonObject = {"type": "null"}


def allows_null(schema: JsonValue, resolver: Resolver, depth: int = 0) -> bool:
    """Return whether a schema of an OpenAPI document allows null, in any of the ways to write it.

    OpenAPI 3.0 writes `nullable: true`, and 3.1 uses JSON Schema's `type`, `enum`, `const` and compositions. A schema
    that restricts nothing allows null too.
    """
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return schema is not False
    if "$ref" in schema:
        schema = resolver.resolved(schema)
    if schema.get("nullable") is True:
        return True
    return _keywords_allow_null(schema) and _members_allow_null(schema, resolver, depth + 1)


def _keywords_allow_null(schema: JsonObject) -> bool:
    types, choices = schema.get("type"), schema.get("enum")
    if isinstance(types, str | list) and "null" not in ([types] if isinstance(types, str) else types):
        return False
    if isinstance(choices, list) and None not in choices:
        return False
    return schema.get("const", None) is None


def _members_allow_null(schema: JsonObject, resolver: Resolver, depth: int) -> bool:
    for keyword in ("anyOf", "oneOf"):
        members = schema.get(keyword)
        if isinstance(members, list) and members and not any(allows_null(each, resolver, depth) for each in members):
            return False
    members = schema.get("allOf")
    if isinstance(members, list) and not all(allows_null(each, resolver, depth) for each in members):
        return False
    return "not" not in schema or not allows_null(schema["not"], resolver, depth)


def with_null(schema: JsonObject) -> JsonObject:
    """Write OpenAPI 3.0's `nullable: true` in JSON Schema."""
    types = schema.get("type")
    if isinstance(types, str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [types, "null"]}
    text = {key: schema[key] for key in ("description",) if key in schema}
    return {**text, "anyOf": [schema, _NULL]}


def without_null(schema: JsonObject) -> JsonObject:
    """Remove null from a schema, for an argument that is left out instead."""
    types, members = schema.get("type"), schema.get("anyOf")
    if isinstance(types, list) and len(types) > 1:
        kept = [name for name in types if name != "null"]
        return {**schema, "type": kept[0] if len(kept) == 1 else kept}
    if isinstance(members, list):
        others = [member for member in members if member != _NULL]
        return simplified({**schema, "anyOf": others}) if others else schema
    return schema


def simplified(schema: JsonObject) -> JsonObject:
    """Write a composition of one member as the member, and `X or null` of a plain type as a list of types."""
    for keyword in ("allOf", "anyOf"):
        members = schema.get(keyword)
        rest = {key: value for key, value in schema.items() if key != keyword}
        if not isinstance(members, list) or not {"description", "default"} >= set(rest):
            continue
        others = [member for member in members if isinstance(member, dict) and member != _NULL]
        if keyword == "anyOf":
            others = _widest(others)
        only = others[0] if len(others) == 1 else {}
        if only and _NULL not in members:
            return {**only, **rest}
        if isinstance(only.get("type"), str) and "enum" not in only and "const" not in only:
            return {**only, **rest, "type": [only["type"], "null"]}
        if keyword == "anyOf":
            return {**rest, keyword: [*others, _NULL] if _NULL in members else [*others]}
    return schema


def _widest(members: list[JsonObject]) -> list[JsonObject]:
    """Leave out the members that a plain type of the same `anyOf` allows anyway."""
    plain = [member["type"] for member in members if member.keys() == {"type"}]
    return [member for member in members if member.keys() == {"type"} or member.get("type") not in plain]
