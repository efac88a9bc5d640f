"""Schemas that are objects with named properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.definitions.schemas import Schemas

_MAX_DEPTH = 1


def object_parts(schema: JsonValue, schemas: Schemas, depth: int = 0) -> list[JsonObject]:
    """Split a schema into plain objects that all apply at once; return an empty list for any other schema."""
    resolved = schemas.resolved(schema)
    for keyword in ("anyOf", "oneOf"):
        members = resolved.get(keyword)
        if isinstance(members, list) and "properties" not in resolved:
            others = [member for member in members if member != {"type": "null"}]
            if len(others) != 1:
                return []
            resolved = schemas.resolved(others[0])
    members = resolved.get("allOf")
    if {"anyOf", "oneOf", "not", "patternProperties"} & resolved.keys() or depth > _MAX_DEPTH:
        return []
    if not isinstance(members, list):
        return [resolved] if _is_object(resolved) else []
    parts = [object_parts(member, schemas, depth + 1) for member in members]
    own = [resolved] if "properties" in resolved else []
    return [part for found in parts for part in found] + own if all(parts) else []


def _is_object(schema: JsonObject) -> bool:
    types = schema.get("type", "object")
    return "properties" in schema and (
        types == "object" or (isinstance(types, list) and set(types) <= {"object", "null"})
    )
