"""JSON Schemas of an OpenAPI document as the Messages API accepts them: draft 2020-12, small, self-contained."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import orjson

from shared.tools.definitions.assembly import REFERENCE_PREFIX, Assembly
from shared.tools.definitions.descriptions import LONGEST_ANNOTATION, tidy, without_sections
from shared.tools.definitions.keywords import COPIED_KEYWORDS, is_number, types_of
from shared.tools.definitions.nullability import simplified, with_null
from shared.tools.definitions.property_names import PROPERTY_NAME
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

_MAX_ALIASES = 16
_MAX_DEPTH = 24
_MAX_SCHEMA_BYTES = 24_000
_REFUSED_IN_NAME = bounded(r"[^a-zA-Z0-9_.-]+", 200)


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: JsonObject) -> None:
        """Take the document whose parts the schemas refer to."""
        self._document = document
        self._definitions: dict[str, JsonObject] = {}
        self._names: dict[str, str] = {}
        self._unread: dict[str, JsonObject] = {}

    def resolved(self, value: JsonValue) -> JsonObject:
        """Follow `$ref`s; return an empty schema where they lead nowhere, out of the document or in a circle."""
        for _ in range(_MAX_ALIASES):
            if not isinstance(value, dict):
                return {}
            reference = value.get("$ref")
            if reference is None:
                return value
            siblings = {key: item for key, item in value.items() if key != "$ref"}
            target = self._target(reference)
            value = {**target, **siblings} if isinstance(target, dict) else {}
        return {}

    def converted(self, schema: JsonValue) -> JsonObject:
        """Convert a schema; its references become references to definitions, which `assembled` adds."""
        result = self._convert(schema, 0)
        while self._unread:
            name, target = self._unread.popitem()
            self._definitions[name] = self._convert(target, 0)
        return result

    def assembled(
        self, properties: Mapping[str, JsonObject], required: list[str], *, others: JsonValue = None
    ) -> JsonObject:
        """Build an input schema of converted properties and the definitions that they need.

        `others` is the schema of all other properties. With None the schema has no `additionalProperties`.
        """
        root: JsonObject = {"type": "object", "properties": {**properties}}
        if required:
            root["required"] = [*required]
        if others is not None:
            root["additionalProperties"] = others
        whole = Assembly(self._definitions).closed(root)
        if len(orjson.dumps(whole)) <= _MAX_SCHEMA_BYTES:
            return whole
        return {**root, "properties": {name: self._outlined(schema) for name, schema in properties.items()}}

    def _outlined(self, schema: JsonObject) -> JsonObject:
        """Keep type and description only, where the whole schema is too large to be sent with every request."""
        reference = schema.get("$ref")
        target = (
            self._definitions.get(reference.removeprefix(REFERENCE_PREFIX), {}) if isinstance(reference, str) else {}
        )
        merged = {**target, **schema}
        return {key: merged[key] for key in ("type", "description", "format", "default") if key in merged}

    def _target(self, reference: JsonValue) -> JsonValue:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return None
        target: JsonValue = self._document
        for part in reference[2:].split("/"):
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict):
                target = target.get(key)
            elif isinstance(target, list) and key.isdecimal() and int(key) < len(target):
                target = target[int(key)]
            else:
                return None
        return target

    def _convert(self, schema: JsonValue, depth: int) -> JsonObject:
        if not isinstance(schema, dict) or depth > _MAX_DEPTH:
            return {"not": {}} if schema is False else {}
        result: JsonObject = self._reference(schema["$ref"]) if "$ref" in schema else {}
        if text := _text(schema.get("description")):
            result["description"] = text
        if types := types_of(schema.get("type")):
            result["type"] = types[0] if len(types) == 1 else types
        result |= {
            key: schema[key] for key, is_right in COPIED_KEYWORDS.items() if key in schema and is_right(schema[key])
        }
        result |= _exclusive_bounds(schema)
        result |= self._object_parts(schema, depth)
        result |= self._array_parts(schema, depth)
        result |= self._compositions(schema, depth)
        result = simplified(result)
        return simplified(with_null(result)) if schema.get("nullable") is True else result

    def _reference(self, reference: JsonValue) -> JsonObject:
        """Refer to a definition. Its content is converted later, since definitions may be circular."""
        target = self._target(reference)
        if not isinstance(reference, str) or not isinstance(target, dict):
            return {}
        if reference not in self._names:
            self._names[reference] = name = self._free_name(reference)
            self._definitions[name] = {}
            self._unread[name] = target
        return {"$ref": f"{REFERENCE_PREFIX}{self._names[reference]}"}

    def _free_name(self, reference: str) -> str:
        stem = _REFUSED_IN_NAME.sub("_", reference.rpartition("/")[2])[:48] or "definition"
        name, number = stem, 1
        while name in self._definitions:
            number += 1
            name = f"{stem}_{number}"
        return name

    def _object_parts(self, schema: JsonObject, depth: int) -> JsonObject:
        """Convert the keywords of objects. Names that the Messages API refuses go into the description."""
        parts: JsonObject = {}
        properties, others = schema.get("properties"), schema.get("additionalProperties")
        if isinstance(properties, dict):
            writable = {
                name: item
                for name, item in properties.items()
                if not (isinstance(item, dict) and item.get("readOnly") is True)
            }
            named = {name: item for name, item in writable.items() if PROPERTY_NAME.fullmatch(name)}
            parts["properties"] = {name: self._convert(item, depth + 1) for name, item in named.items()}
            parts |= _required(schema.get("required"), named)
            if len(named) < len(writable):
                unnamed = ", ".join(f"`{name}`" for name in writable if name not in named)
                text = f"{schema.get('description') or ''} Further properties: {unnamed}."
                return {**parts, "description": tidy(text, LONGEST_ANNOTATION)}
        if others is False or (isinstance(others, dict) and others):
            parts["additionalProperties"] = others and self._convert(others, depth + 1)
        return parts

    def _array_parts(self, schema: JsonObject, depth: int) -> JsonObject:
        parts: JsonObject = {}
        items, prefix = schema.get("items"), schema.get("prefixItems")
        if isinstance(items, list):
            items, prefix = None, items
        if isinstance(items, dict) and items:
            parts["items"] = self._convert(items, depth + 1)
        if isinstance(prefix, list) and prefix:
            parts["prefixItems"] = [self._convert(item, depth + 1) for item in prefix]
        return parts

    def _compositions(self, schema: JsonObject, depth: int) -> JsonObject:
        """Convert compositions. `oneOf` becomes `anyOf`: whether a value fits two members, the API itself checks."""
        parts: JsonObject = {}
        for keyword, kept in (("allOf", "allOf"), ("oneOf", "anyOf"), ("anyOf", "anyOf")):
            members = schema.get(keyword)
            if isinstance(members, list) and members:
                parts[kept] = [self._convert(member, depth + 1) for member in members]
        return parts


def _text(description: JsonValue) -> str:
    return tidy(without_sections(description)[0], LONGEST_ANNOTATION) if isinstance(description, str) else ""


def _required(names: JsonValue, properties: Mapping[str, JsonValue]) -> JsonObject:
    kept = list(dict.fromkeys(name for name in names if name in properties)) if isinstance(names, list) else []
    return {"required": kept} if kept else {}


def _exclusive_bounds(schema: JsonObject) -> JsonObject:
    """Read OpenAPI 3.0's `exclusiveMinimum: true`, which makes an exclusive bound of the plain one."""
    return {
        exclusive: schema[plain]
        for exclusive, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
        if schema.get(exclusive) is True and is_number(schema.get(plain))
    }
