"""The rules about the tools that a request offers."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped]  # ships no types

from local.messages_api.models import rules_of
from local.messages_api.names import PROPERTY_NAME, TOOL_NAME, check_pattern
from local.messages_api.request import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Body

TOOL_FIELDS: Final = words(
    "name description input_schema type cache_control strict defer_loading allowed_callers input_examples "
    "eager_input_streaming"
)
"""Page: "Define tools"."""

CHOICES: Final = words("auto any tool none")
CHOICE_FIELDS: Final = words("type name disable_parallel_tool_use")


def tool_names_are_unique(body: Body) -> Iterator[str]:
    """No two tools have the same name. No page says it; the API's errors do."""
    if any(count > 1 for count in Counter(_names(body)).values()):
        yield "tools: Tool names must be unique."


def tool_definitions(body: Body) -> Iterator[str]:
    """Each tool has a name and a schema that the API accepts; a tool that the API runs is not checked.

    Page: "Define tools".
    """
    for index, tool in enumerate(body.get("tools") or []):
        if tool.get("type") in {None, "custom"}:
            yield from _tool(f"tools.{index}.custom", tool)


def tool_choice(body: Body) -> Iterator[str]:
    """A choice of tools needs tools, and names one of them. Page: "Define tools", forcing tool use."""
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not isinstance(choice, dict) or choice.get("type") not in CHOICES or choice.keys() - CHOICE_FIELDS:
        yield "tool_choice: Input should be an object with the type 'auto', 'any', 'tool' or 'none'"
        return
    if not body.get("tools"):
        yield "tool_choice: tool_choice may only be specified while providing tools"
    if choice["type"] == "tool" and choice.get("name") not in _names(body):
        yield f"Tool '{choice.get('name')}' not found in provided tools"


def forced_choice(body: Body) -> Iterator[str]:
    """Some models cannot be forced to call a tool. Page: "What's new in Claude Opus 5.5"."""
    choice = body.get("tool_choice")
    is_forced = isinstance(choice, dict) and choice.get("type") in {"any", "tool"}
    if is_forced and not rules_of(body["model"]).forced_choice:
        yield "tool_choice: Forcing tool use is not supported for this model."


def tool_problems(body: Body) -> list[str]:
    """Return the errors in a body's tools; the body needs no other field."""
    return [problem for rule in (tool_names_are_unique, tool_definitions, tool_choice) for problem in rule(body)]


def _names(body: Body) -> list[object]:
    return [tool.get("name") for tool in body.get("tools") or []]


def _tool(path: str, tool: Body) -> Iterator[str]:
    yield from (f"{path}.{name}: Extra inputs are not permitted" for name in tool if name not in TOOL_FIELDS)
    yield from (f"{path}.{name}: Field required" for name in ("name", "input_schema") if name not in tool)
    yield from check_pattern(f"{path}.name", tool.get("name", "x"), TOOL_NAME)
    if not isinstance(tool.get("description", ""), str):
        yield f"{path}.description: Input should be a valid string"
    if "input_schema" in tool:
        yield from _schema(f"{path}.input_schema", tool["input_schema"])


def _schema(path: str, schema: object) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f"{path}: Input should be a valid dictionary"
        return
    if "type" not in schema:
        yield f"{path}.type: Field required"
    elif schema["type"] != "object":
        yield f"{path}.type: Input should be 'object'"
    if schema.keys() & {"oneOf", "allOf", "anyOf"}:
        yield f"{path}: input_schema does not support oneOf, allOf, or anyOf at the top level"
    if not _is_json_schema(json.dumps(schema, sort_keys=True)):
        yield f"{path}: JSON schema is invalid. It must match JSON Schema draft 2020-12"
    elif problem := next(_property_problems(path, schema), None):
        yield problem


def _property_problems(path: str, schema: object) -> Iterator[str]:
    for name in _property_names(schema):
        if next(check_pattern(path, name, PROPERTY_NAME), None):
            yield f"{path}.properties: Property keys should match pattern '{PROPERTY_NAME}'"


def _property_names(schema: object) -> Iterator[str]:
    """Yield the names of all properties, also those of objects in objects."""
    if isinstance(schema, list):
        for item in schema:
            yield from _property_names(item)
    elif isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
            yield from _property_names(list(properties.values()))
        rest = {key: value for key, value in schema.items() if key not in _NO_SCHEMAS}
        yield from _property_names(list(rest.values()))


_NO_SCHEMAS: Final = {"properties", "default", "const", "enum", "example", "examples"}
"""Keywords whose values are plain data, or are gone through apart."""


@lru_cache(maxsize=4096)
def _is_json_schema(encoded: str) -> bool:
    """Check a schema against the draft; it takes milliseconds, and requests repeat hundreds of them."""
    try:
        Draft202012Validator.check_schema(json.loads(encoded))
    except SchemaError:
        return False
    return True
