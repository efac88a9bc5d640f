"""JSON Schemas of an OpenAPI document as the Messages API accepts them: draft 2020-12, small, self-contained."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

import orjson

from shared.tools.definitions.descriptions import LONGEST_ANNOTATION, tidy, without_sections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

PROPERTY_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
"""What the Messages API accepts as the name of a property."""

TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")

_MOST_ALIASES = 16
_DEEPEST = 24
_LONGEST_PATTERN = 200
_LARGEST_DEFAULT = 200
_LARGEST_LEAF = 96
_LARGEST_SCHEMA = 24_000
_REF = "#/$defs/"

_Keyword: TypeAlias = "Callable[[JsonValue], bool]"


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_positive(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _is_text(value: JsonValue) -> bool:
    return isinstance(value, str) and bool(value)


def _is_pattern(value: JsonValue) -> bool:
    if not isinstance(value, str) or len(value) > _LONGEST_PATTERN:
        return False
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _is_small(value: JsonValue) -> bool:
    return value not in (None, "", [], {}) and len(orjson.dumps(value)) <= _LARGEST_DEFAULT


def _is_choice(value: JsonValue) -> bool:
    return isinstance(value, list) and bool(value)


_KEPT: Mapping[str, _Keyword] = {
    "const": lambda _: True,
    "enum": _is_choice,
    "minimum": _is_number,
    "maximum": _is_number,
    "exclusiveMinimum": _is_number,
    "exclusiveMaximum": _is_number,
    "multipleOf": _is_positive,
    "minLength": _is_count,
    "maxLength": _is_count,
    "minItems": _is_count,
    "maxItems": _is_count,
    "minProperties": _is_count,
    "maxProperties": _is_count,
    "uniqueItems": lambda value: value is True,
    "pattern": _is_pattern,
    "format": _is_text,
    "default": _is_small,
}
"""Keywords that are taken over as they are where their values are what they must be."""


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: JsonObject) -> None:
        """Keep the document, whose parts the schemas refer to."""
        self._document = document
        self._definitions: dict[str, JsonObject] = {}
        self._names: dict[str, str] = {}
        self._unread: dict[str, JsonObject] = {}

    def resolved(self, value: JsonValue) -> JsonObject:
        """Follow `$ref`s to what they stand for; empty where they lead nowhere, out of the document or in a circle."""
        for _ in range(_MOST_ALIASES):
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
        """Convert a schema; its references become references to definitions, see `assembled`."""
        result = self._convert(schema, 0)
        while self._unread:
            name, target = self._unread.popitem()
            self._definitions[name] = self._convert(target, 0)
        return result

    def assembled(
        self, properties: Mapping[str, JsonObject], required: list[str], *, others: JsonValue = None
    ) -> JsonObject:
        """Put converted properties together to an input schema with the definitions that they need.

        `others` is the schema of properties that are not named here; None says nothing of them.
        """
        root: JsonObject = {"type": "object", "properties": {**properties}}
        if required:
            root["required"] = [*required]
        if others is not None:
            root["additionalProperties"] = others
        whole = _Assembly(self._definitions).closed(root)
        if len(orjson.dumps(whole)) <= _LARGEST_SCHEMA:
            return whole
        return {**root, "properties": {name: self._outlined(schema) for name, schema in properties.items()}}

    def _outlined(self, schema: JsonObject) -> JsonObject:
        """Keep of a schema what says most, where the whole is too large to be sent with every request."""
        reference = schema.get("$ref")
        target = self._definitions.get(reference.removeprefix(_REF), {}) if isinstance(reference, str) else {}
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
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return {"not": {}} if schema is False else {}
        result: JsonObject = self._reference(schema["$ref"]) if "$ref" in schema else {}
        if text := _text(schema.get("description")):
            result["description"] = text
        if types := _types(schema.get("type")):
            result["type"] = types[0] if len(types) == 1 else types
        result |= {key: schema[key] for key, is_right in _KEPT.items() if key in schema and is_right(schema[key])}
        result |= _exclusive_bounds(schema)
        result |= self._object_parts(schema, depth)
        result |= self._array_parts(schema, depth)
        result |= self._compositions(schema, depth)
        result = _simplified(result)
        return _simplified(_nullable(result)) if schema.get("nullable") is True else result

    def _reference(self, reference: JsonValue) -> JsonObject:
        """Refer to a definition of the same content, which is read later: definitions may be circular."""
        target = self._target(reference)
        if not isinstance(reference, str) or not isinstance(target, dict):
            return {}
        if reference not in self._names:
            self._names[reference] = name = self._free_name(reference)
            self._definitions[name] = {}
            self._unread[name] = target
        return {"$ref": f"{_REF}{self._names[reference]}"}

    def _free_name(self, reference: str) -> str:
        stem = re.sub(r"[^a-zA-Z0-9_.-]+", "_", reference.rpartition("/")[2])[:48] or "definition"
        name, number = stem, 1
        while name in self._definitions:
            number += 1
            name = f"{stem}_{number}"
        return name

    def _object_parts(self, schema: JsonObject, depth: int) -> JsonObject:
        """Convert what concerns objects. Names that the Messages API refuses are told in words instead."""
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
                told = ", ".join(f"`{name}`" for name in writable if name not in named)
                text = f"{schema.get('description') or ''} Further properties: {told}."
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
        """Convert compositions; `oneOf` becomes `anyOf`, since the API is the judge of what fits two."""
        parts: JsonObject = {}
        for keyword, kept in (("allOf", "allOf"), ("oneOf", "anyOf"), ("anyOf", "anyOf")):
            members = schema.get(keyword)
            if isinstance(members, list) and members:
                parts[kept] = [self._convert(member, depth + 1) for member in members]
        return parts


class _Assembly:
    """Choice of the definitions that one input schema keeps: what is used once or is tiny goes where it is used."""

    def __init__(self, definitions: Mapping[str, JsonObject]) -> None:
        self._definitions = definitions
        self._counts: dict[str, int] = {}
        self._circular: set[str] = set()

    def closed(self, root: JsonObject) -> JsonObject:
        self._count(root, ())
        result = self._expanded(root)
        kept = {name: self._expanded(self._definitions[name]) for name in sorted(self._counts) if not self._moves(name)}
        return {**result, "$defs": kept} if kept else result  # type: ignore[dict-item]  # objects by name are JSON

    def _count(self, node: JsonValue, path: tuple[str, ...]) -> None:
        for name in _references(node):
            if name not in self._definitions:
                continue
            self._counts[name] = self._counts.get(name, 0) + 1
            if name in path:
                self._circular.update(path[path.index(name) :])
            elif self._counts[name] == 1:
                self._count(self._definitions[name], (*path, name))

    def _moves(self, name: str) -> bool:
        if name in self._circular:
            return False
        definition = self._definitions[name]
        return self._counts[name] == 1 or (
            not any(_references(definition)) and len(orjson.dumps(definition)) <= _LARGEST_LEAF
        )

    def _expanded(self, node: JsonObject) -> JsonObject:
        expanded = {key: self._expanded_value(value) for key, value in node.items()}
        reference = node.get("$ref")
        name = reference.removeprefix(_REF) if isinstance(reference, str) else ""
        if name not in self._counts or not self._moves(name):
            return expanded
        del expanded["$ref"]
        return {**self._expanded(self._definitions[name]), **expanded}

    def _expanded_value(self, value: JsonValue) -> JsonValue:
        if isinstance(value, dict):
            return self._expanded(value)
        return [self._expanded_value(item) for item in value] if isinstance(value, list) else value


def _references(node: JsonValue) -> Iterator[str]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(_REF)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _text(description: JsonValue) -> str:
    return tidy(without_sections(description)[0], LONGEST_ANNOTATION) if isinstance(description, str) else ""


def _types(value: JsonValue) -> list[JsonValue]:
    named = value if isinstance(value, list) else [value]
    return list(dict.fromkeys("string" if name == "file" else name for name in named if name in {*TYPES, "file"}))


def _required(names: JsonValue, properties: Mapping[str, JsonValue]) -> JsonObject:
    kept = list(dict.fromkeys(name for name in names if name in properties)) if isinstance(names, list) else []
    return {"required": kept} if kept else {}


def _exclusive_bounds(schema: JsonObject) -> JsonObject:
    """Read OpenAPI 3.0's `exclusiveMinimum: true`, which makes an exclusive bound of the plain one."""
    return {
        exclusive: schema[plain]
        for exclusive, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
        if schema.get(exclusive) is True and _is_number(schema.get(plain))
    }


def _nullable(schema: JsonObject) -> JsonObject:
    """Read OpenAPI 3.0's `nullable: true`."""
    types = schema.get("type")
    if isinstance(types, str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [types, "null"]}
    text = {key: schema[key] for key in ("description",) if key in schema}
    return {**text, "anyOf": [schema, {"type": "null"}]}


def _simplified(schema: JsonObject) -> JsonObject:
    """Write a composition of one as itself, and `X or null` of a plain type as a list of types."""
    for keyword in ("allOf", "anyOf"):
        members = schema.get(keyword)
        rest = {key: value for key, value in schema.items() if key != keyword}
        if not isinstance(members, list) or not {"description", "default"} >= set(rest):
            continue
        null: JsonObject = {"type": "null"}
        others = [member for member in members if isinstance(member, dict) and member != null]
        if keyword == "anyOf":
            others = _widest(others)
        only = others[0] if len(others) == 1 else {}
        if only and null not in members:
            return {**only, **rest}
        if isinstance(only.get("type"), str) and "enum" not in only and "const" not in only:
            return {**only, **rest, "type": [only["type"], "null"]}
        if keyword == "anyOf":
            return {**rest, keyword: [*others, null] if null in members else [*others]}
    return schema


def _widest(members: list[JsonObject]) -> list[JsonObject]:
    """Leave out what a plain type of the same anyOf allows anyway."""
    plain = [member["type"] for member in members if member.keys() == {"type"}]
    return [member for member in members if member.keys() == {"type"} or member.get("type") not in plain]


def without_null(schema: JsonObject) -> JsonObject:
    """Take null from what a schema allows, for an argument that can be left out instead."""
    types, members = schema.get("type"), schema.get("anyOf")
    if isinstance(types, list) and len(types) > 1:
        kept = [name for name in types if name != "null"]
        return {**schema, "type": kept[0] if len(kept) == 1 else kept}
    if isinstance(members, list):
        others = [member for member in members if member != {"type": "null"}]
        return _simplified({**schema, "anyOf": others}) if others else schema
    return schema
