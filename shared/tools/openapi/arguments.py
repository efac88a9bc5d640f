"""A call's arguments: checked against their schemas, and read as leniently as the API reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from shared.domain.errors import ToolError
from shared.tools.definitions.keywords import TYPES
from shared.tools.openapi.parameters import BODY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.openapi.operation import Operation
    from shared.tools.openapi.parameters import Argument

_MAX_SHOWN_CHARS = 60
_MAX_CHOICES_CHARS = 400
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


@dataclass(slots=True)
class Values:
    """The values of one call: those of arguments, and fields of the body that have no argument."""

    of_arguments: list[tuple[Argument, JsonValue]] = field(default_factory=list)
    other_fields: JsonObject = field(default_factory=dict)

    def of_body(self) -> JsonObject:
        """Return the values of the body by their names."""
        fields = {each.wire_name: value for each, value in self.of_arguments if each.location == BODY}
        return fields | self.other_fields


def read_arguments(operation: Operation, arguments: JsonObject) -> Values:
    """Check a call's arguments and convert them to the types of their schemas.

    Raises:
        ToolError: an argument is missing, unknown or of the wrong type; the message names it.
    """
    given = _given(operation, arguments)
    missing = [name for name, argument in operation.arguments.items() if argument.is_required and name not in given]
    if missing:
        raise ToolError(f"Missing required argument{'s' if missing[1:] else ''}: {', '.join(missing)}.")
    definitions = operation.definition.input_schema.get("$defs")
    known = definitions if isinstance(definitions, dict) else {}
    values = Values()
    for name, value in given.items():
        argument = operation.arguments.get(name)
        if argument is None:
            values.other_fields[name] = value
        else:
            values.of_arguments.append((argument, _converted(argument, value, known)))
    return values


def _given(operation: Operation, arguments: JsonObject) -> JsonObject:
    """Leave out null where the schema does not allow it, and refuse unknown names."""
    takes_others = operation.body is not None and operation.body.others is not None
    given: JsonObject = {}
    for name, value in arguments.items():
        argument = operation.arguments.get(name)
        if argument is None and not takes_others:
            known = ", ".join(operation.arguments) or "no arguments"
            raise ToolError(f"There is no argument {shown(name)}. {operation.definition.name} takes {known}.")
        if value is not None or argument is None or argument.allows_null:
            given[name] = value
    return given


def _converted(argument: Argument, value: JsonValue, definitions: Mapping[str, JsonValue]) -> JsonValue:
    if value is None:
        return None
    schema = _resolved(argument.schema, definitions)
    converted = _as_types(argument, value, _types(schema, definitions))
    choices = schema.get("enum")
    if isinstance(choices, list) and converted not in choices:
        raise ToolError(
            f"Argument {argument.name} must be one of {shown(choices, _MAX_CHOICES_CHARS)}, not {shown(value)}."
        )
    return converted


def _resolved(schema: JsonObject, definitions: Mapping[str, JsonValue]) -> JsonObject:
    reference = schema.get("$ref")
    target = definitions.get(reference.rpartition("/")[2]) if isinstance(reference, str) else None
    return target if isinstance(target, dict) else schema


def _types(schema: JsonObject, definitions: Mapping[str, JsonValue]) -> frozenset[str]:
    """Return the types that a schema allows; all of them where that is not plain, since the API checks again."""
    types, members = schema.get("type"), schema.get("anyOf")
    if isinstance(types, str):
        return frozenset({types})
    if isinstance(types, list):
        return frozenset(name for name in types if isinstance(name, str))
    if not isinstance(members, list):
        return frozenset(TYPES)
    known = [_types(_resolved(item, definitions), {}) for item in members if isinstance(item, dict)]
    return frozenset[str]().union(*known) if len(known) == len(members) else frozenset(TYPES)


def _as_types(argument: Argument, value: JsonValue, types: frozenset[str]) -> JsonValue:
    """Convert a value to one of the types, as a web framework does with a query or a lenient body."""
    if _type_names(value) & types:
        return int(value) if isinstance(value, float) and types & {"integer", "number"} == {"integer"} else value
    if isinstance(value, str):
        parsed = _parsed(value, types)
        if _type_names(parsed) & types and parsed is not None:
            return _as_types(argument, parsed, types)
    is_text = argument.serialization is not None
    if "string" in types and isinstance(value, int | float) and (is_text or not isinstance(value, bool)):
        return json.dumps(value)
    if "array" in types and is_text and isinstance(value, str | int | float):
        return [value]
    wanted = " or ".join(_ARTICLES.get(name, f"a {name}") for name in TYPES if name in types)
    raise ToolError(f"Argument {argument.name} must be {wanted}, not {shown(value)}.")


def _parsed(text: str, types: frozenset[str]) -> JsonValue:
    """Parse JSON that came as text: models sometimes write lists and objects so."""
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


def shape_of(value: JsonValue) -> str:
    """Return the JSON type of a value; an integer is a number."""
    return next(iter(sorted(_TYPE_NAMES[type(value)])))


def shown(value: JsonValue, longest: int = _MAX_SHOWN_CHARS) -> str:
    """Write a value for a message, shortened to `longest` characters."""
    text = json.dumps(value)
    return text if len(text) <= longest else f"{text[:longest]}…"
