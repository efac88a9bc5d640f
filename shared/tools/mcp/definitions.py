"""The tools of an external server as the Messages API accepts them; what is mended in them is undone on each call."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from shared.tools.definitions.descriptions import tidy
from shared.tools.definitions.objects import object_parts
from shared.tools.definitions.property_names import PROPERTY_NAME
from shared.tools.definitions.schemas import Schemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import JsonValue

    from shared.domain.models import JsonObject, MCPServer

log = logging.getLogger(__name__)

_LONGEST_DESCRIPTION = 2000
_LARGEST_SCHEMA = 200_000
_COMPOSITIONS = frozenset({"oneOf", "anyOf", "allOf"})
_ONLY_REQUIRES = frozenset({"required", "type", "title", "description"})
_WHOLE = "input"
"""The one argument that stands for all of them, where they cannot be named at the root."""


class Unusable(ValueError):
    """A tool cannot be offered; the message says why."""


@dataclass(frozen=True, slots=True)
class ExternalTool:
    """A tool by the name and the input schema that its server has for it, and what the model is shown of it."""

    name: str
    own_schema: JsonObject
    description: str
    input_schema: JsonObject
    renamed: Mapping[str, str]
    """What arguments are called here → what the server calls them."""
    is_wrapped: bool = False

    def arguments(self, given: JsonObject) -> JsonObject:
        """Make the server's arguments of the model's."""
        whole = given.get(_WHOLE)
        if self.is_wrapped and isinstance(whole, dict):
            return whole
        return {self.renamed.get(name, name): value for name, value in given.items()}


def read_tools(server: MCPServer, listed: Iterable[JsonObject]) -> tuple[ExternalTool, ...]:
    """Make tools of what a server lists; what cannot be mended is left out and named in the log."""
    tools: dict[str, ExternalTool] = {}
    for raw in listed:
        name = raw.get("name")
        if isinstance(name, str) and name in server.ignored_tools:
            continue
        try:
            tool = _read(raw, tools)
        except (Unusable, RecursionError, TypeError, ValueError) as error:
            reason = error if isinstance(error, Unusable) else "its schema cannot be read"
            log.warning("no tool of %s for %.80r: %s", server.slug, name, reason)
        else:
            tools[tool.name] = tool
    return tuple(tools[name] for name in sorted(tools))


def _read(raw: JsonObject, others: Mapping[str, ExternalTool]) -> ExternalTool:
    name, schema = raw.get("name"), raw.get("inputSchema")
    if not isinstance(name, str) or not name.strip() or name in others:
        raise Unusable("it has no name, or that of another tool")
    if not isinstance(schema, dict) or len(orjson.dumps(schema)) > _LARGEST_SCHEMA:
        raise Unusable("it has no input schema, or one that is too large")
    schemas = Schemas(schema)
    root = schemas.resolved(schema)
    if (schema and not root) or "object" not in _listed(root.get("type", "object")):
        raise Unusable("its input is no object")
    note = _choice(root)
    plain = {key: value for key, value in root.items() if not note or key not in _COMPOSITIONS}
    parts = object_parts(plain, schemas) if plain.keys() & _COMPOSITIONS else [plain]
    description = "\n".join(text for text in (_description(raw, name), note) if text)
    if not parts:
        whole = schemas.assembled({_WHOLE: schemas.converted(root)}, [_WHOLE])
        return ExternalTool(name, schema, description, whole, {}, is_wrapped=True)
    names = _mended_names([key for part in parts for key in _properties(part)])
    renamed = {mended: own for own, mended in names.items() if mended != own}
    return ExternalTool(name, schema, description, _merged(parts, names, schemas), renamed)


def _description(raw: JsonObject, name: str) -> str:
    annotations = raw.get("annotations")
    title = annotations.get("title") if isinstance(annotations, dict) else None
    texts = (raw.get("description"), raw.get("title"), title, name.replace("_", " "))
    tidied = (tidy(text, _LONGEST_DESCRIPTION) for text in texts if isinstance(text, str))
    return next((text for text in tidied if text), "A tool.")


def _merged(parts: Sequence[JsonObject], names: Mapping[str, str], schemas: Schemas) -> JsonObject:
    """Put the properties of objects that hold side by side together to one input schema."""
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


def _choice(root: JsonObject) -> str:
    """Say in words what a composition at the root requires, where that is all it does; the server stays the judge."""
    members = [member for key in sorted(_COMPOSITIONS) for member in _items(root.get(key))]
    named = [member for member in members if isinstance(member, dict) and member.keys() <= _ONLY_REQUIRES]
    if not members or "allOf" in root or len(named) < len(members) or "properties" not in root:
        return ""
    choices = (" and ".join(f"`{name}`" for name in _listed(member.get("required"))) for member in named)
    return f"Required is {', or '.join(choice for choice in choices if choice)}."


def _items(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _listed(value: JsonValue) -> list[str]:
    """Read what may be one name or a list of them."""
    return [value] if isinstance(value, str) else [item for item in _items(value) if isinstance(item, str)]


def _mended_names(names: Iterable[str]) -> dict[str, str]:
    """Give each property a name that the Messages API accepts and no other has; good ones stay."""
    own = list(dict.fromkeys(names))
    mended = {name: name for name in own if PROPERTY_NAME.fullmatch(name)}
    taken = set(mended)
    for name in own:
        if name not in mended:
            stem = re.sub(r"[^a-zA-Z0-9_.-]+", "_", name)[:56] or "_"
            numbered = (stem if number == 1 else f"{stem}_{number}" for number in range(1, len(own) + 2))
            mended[name] = next(candidate for candidate in numbered if candidate not in taken)
            taken.add(mended[name])
    return mended
