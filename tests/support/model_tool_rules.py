"""What the Messages API refuses in a request's tools; a part of `tests.support.model_rules`."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped]  # ships no types

if TYPE_CHECKING:
    from collections.abc import Iterator

Json: TypeAlias = dict[str, Any]


def words(text: str) -> frozenset[str]:
    """Split a text into its words."""
    return frozenset(text.split())


TOOL_FIELDS = words(
    "name description input_schema type cache_control strict defer_loading allowed_callers input_examples "
    "eager_input_streaming"
)


def tools(body: Json) -> Iterator[str]:
    """Tools have names and schemas that the API accepts."""
    names = Counter(tool.get("name") for tool in body.get("tools") or [])
    if any(count > 1 for count in names.values()):
        yield "tools: Tool names must be unique."
    for index, tool in enumerate(body.get("tools") or []):
        if tool.get("type") in {None, "custom"}:
            yield from _tool(f"tools.{index}.custom", tool)
    choice = body.get("tool_choice")
    if choice and not body.get("tools"):
        yield "tool_choice: tool_choice may only be specified while providing tools"
    if choice and choice.get("type") == "tool" and choice.get("name") not in names:
        yield f"Tool '{choice.get('name')}' not found in provided tools"


def _tool(path: str, tool: Json) -> Iterator[str]:
    yield from (f"{path}.{name}: Extra inputs are not permitted" for name in tool if name not in TOOL_FIELDS)
    yield from (f"{path}.{name}: Field required" for name in ("name", "input_schema") if name not in tool)
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", str(tool.get("name", "x"))):
        yield f"{path}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
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
    elif any(not re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name) for name in _property_names(schema)):
        yield f"{path}.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'"


def _property_names(schema: object) -> Iterator[str]:
    """Walk the names of all properties, also those of objects in objects."""
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


_NO_SCHEMAS = {"properties", "default", "const", "enum", "example", "examples"}
"""Keywords whose values are plain data, or have been walked."""


@lru_cache(maxsize=4096)
def _is_json_schema(encoded: str) -> bool:
    """Check a schema against the draft; it takes milliseconds, and requests repeat hundreds of them."""
    try:
        Draft202012Validator.check_schema(json.loads(encoded))
    except SchemaError:
        return False
    return True
