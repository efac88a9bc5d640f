"""The tools of an external server, converted to what the Messages API accepts.

Where names or the shape of the arguments had to change, each call changes them back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from shared.tools.definitions.descriptions import tidy
from shared.tools.definitions.objects import object_parts
from shared.tools.definitions.property_names import PROPERTY_NAME
from shared.tools.definitions.schemas import Schemas
from shared.tools.mcp.hints import NO_HINTS, ToolHints, read_hints

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import JsonValue

    from shared.domain.models import JsonObject, MCPServer

_MAX_DESCRIPTION_CHARS = 2000
_MAX_RAW_DESCRIPTION_CHARS = 20_000
"""A longer description is cut before any pattern is applied to it."""
_MAX_NAME_CHARS = 1000
_MAX_SCHEMA_BYTES = 200_000
_COMPOSITIONS = frozenset({"oneOf", "anyOf", "allOf"})
_MAX_LISTED_NAME_CHARS = 80
_REQUIREMENT_KEYS = frozenset({"required", "type", "title", "description"})
_WRAPPER = "input"
"""The one argument that holds all others, if the root of the schema cannot list them."""
_LONGEST_NAME = "x" * 64


class UnusableTool(ValueError):
    """A tool cannot be offered. The message gives the reason."""


@dataclass(frozen=True, slots=True)
class ExternalTool:
    """A tool.

    `name` and `own_schema` are as the server listed them; `description` and `input_schema` are for the model.
    """

    name: str
    own_schema: JsonObject
    description: str
    input_schema: JsonObject
    renamed: Mapping[str, str]
    """The model's names of arguments → the server's names, where they differ."""
    is_wrapped: bool = False
    """Whether the model passes all arguments inside the argument `input`."""
    hints: ToolHints = NO_HINTS

    @property
    def definition_bytes(self) -> int:
        """The size of the tool's definition in a request, as JSON, with the longest possible name."""
        definition = {"name": _LONGEST_NAME, "description": self.description, "input_schema": self.input_schema}
        return len(orjson.dumps(definition))

    def arguments(self, given: JsonObject) -> JsonObject:
        """Convert the model's arguments to the server's."""
        wrapped = given.get(_WRAPPER)
        if self.is_wrapped and isinstance(wrapped, dict):
            return wrapped
        return {self.renamed.get(name, name): value for name, value in given.items()}


@dataclass(frozen=True, slots=True)
class ConvertedTools:
    """The usable tools of a server by name, and the names of the others with the reason."""

    tools: tuple[ExternalTool, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)


def convert_tools(server: MCPServer, listed: Iterable[JsonObject]) -> ConvertedTools:
    """Convert the tools that a server listed. Ignored tools are left out."""
    tools: dict[str, ExternalTool] = {}
    unusable: dict[str, str] = {}
    for raw in listed:
        name = raw.get("name")
        if isinstance(name, str) and name in server.ignored_tools:
            continue
        try:
            tool = _convert(raw, tools)
        except (UnusableTool, RecursionError, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, UnusableTool) else "its schema cannot be read"
            unusable[str(name)[:_MAX_LISTED_NAME_CHARS]] = reason
        else:
            tools[tool.name] = tool
    return ConvertedTools(tuple(tools[name] for name in sorted(tools)), unusable)


def _convert(raw: JsonObject, others: Mapping[str, ExternalTool]) -> ExternalTool:
    name, schema = raw.get("name"), raw.get("inputSchema")
    if not isinstance(name, str) or not name.strip() or name in others:
        raise UnusableTool("it has no name, or the name of another tool")
    if len(name) > _MAX_NAME_CHARS:
        raise UnusableTool("its name is too long")
    if not isinstance(schema, dict) or len(orjson.dumps(schema)) > _MAX_SCHEMA_BYTES:
        raise UnusableTool("it has no input schema, or its schema is too large")
    schemas = Schemas(schema)
    root = schemas.resolved(schema)
    if (schema and not root) or "object" not in _listed(root.get("type", "object")):
        raise UnusableTool("its input is not an object")
    note = _describe_choice(root)
    plain = {key: value for key, value in root.items() if not note or key not in _COMPOSITIONS}
    hints = read_hints(raw)
    parts = object_parts(plain, schemas) if plain.keys() & _COMPOSITIONS else [plain]
    description = "\n".join(text for text in (_description(raw, name), note) if text)
    if not parts:
        wrapper = schemas.assembled({_WRAPPER: schemas.converted(root)}, [_WRAPPER])
        return ExternalTool(name, schema, description, wrapper, {}, is_wrapped=True, hints=hints)
    names = _valid_names([key for part in parts for key in _properties(part)])
    renamed = {valid: own for own, valid in names.items() if valid != own}
    return ExternalTool(name, schema, description, _merged(parts, names, schemas), renamed, hints=hints)


def _description(raw: JsonObject, name: str) -> str:
    annotations = raw.get("annotations")
    title = annotations.get("title") if isinstance(annotations, dict) else None
    texts = (raw.get("description"), raw.get("title"), title, name.replace("_", " "))
    tidied = (
        tidy(text[:_MAX_RAW_DESCRIPTION_CHARS], _MAX_DESCRIPTION_CHARS) for text in texts if isinstance(text, str)
    )
    return next((text for text in tidied if text), "A tool.")


def _merged(parts: Sequence[JsonObject], names: Mapping[str, str], schemas: Schemas) -> JsonObject:
    """Merge the properties of the parts of an `allOf` into one input schema."""
    properties: dict[str, JsonObject] = {}
    required: dict[str, None] = {}
    others: JsonValue = None
    for part in parts:
        for own, item in _properties(part).items():
            converted = schemas.converted(item)
            if names[own] != own:
                converted = {**converted, "description": f"{converted.get('description') or ''} (`{own}`)".strip()}
            properties[names[own]] = converted
        required |= {names[own]: None for own in _listed(part.get("required")) if own in names}
        extra = part.get("additionalProperties")
        others = schemas.converted(extra) if isinstance(extra, dict) else (extra if extra is False else others)
    return schemas.assembled(properties, [*required], others=others)


def _properties(part: JsonObject) -> JsonObject:
    properties = part.get("properties")
    return properties if isinstance(properties, dict) else {}


def _describe_choice(root: JsonObject) -> str:
    """Describe a composition at the root that only says which arguments are required. The server still checks it."""
    members = [member for key in sorted(_COMPOSITIONS) for member in _items(root.get(key))]
    named = [member for member in members if isinstance(member, dict) and member.keys() <= _REQUIREMENT_KEYS]
    if not members or "allOf" in root or len(named) < len(members) or "properties" not in root:
        return ""
    choices = (" and ".join(f"`{name}`" for name in _listed(member.get("required"))) for member in named)
    return f"Required: {', or '.join(choice for choice in choices if choice)}."


def _items(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _listed(value: JsonValue) -> list[str]:
    """Read a value that may be one name or a list of names."""
    return [value] if isinstance(value, str) else [item for item in _items(value) if isinstance(item, str)]


def _valid_names(names: Iterable[str]) -> dict[str, str]:
    """Map each property name to a unique one that the Messages API accepts. Valid names stay as they are."""
    own = list(dict.fromkeys(names))
    valid = {name: name for name in own if PROPERTY_NAME.fullmatch(name)}
    taken = set(valid)
    counts: dict[str, int] = {}
    for name in own:
        if name in valid:
            continue
        stem = re.sub(r"[^a-zA-Z0-9_.-]+", "_", name)[:56] or "_"
        candidate = stem
        while candidate in taken or stem not in counts:
            counts[stem] = counts.get(stem, 0) + 1
            candidate = stem if counts[stem] == 1 else f"{stem}_{counts[stem]}"
        valid[name] = candidate
        taken.add(candidate)
    return valid
