"""A tool that a request offers, and what its name and description say it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from local.demo_model.language import VERBS, Verb, content, is_plural, singular, stem, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.demo_model.tool_results import Record
    from local.demo_model.wire import CustomTool

Noun: TypeAlias = "tuple[str, ...]"
"""A kind of thing, as the stems of its words, such as ("project", "type")."""

DESCRIPTION_WORDS = 60
"""The number of words of a description that are considered."""
SCOPES = frozenset({"org_slug", "organization_slug", "org"})
"""Parameters that take the organization."""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool that may be called."""

    name: str
    description: str
    properties: Mapping[str, Record]
    required: Sequence[str]
    verb: Verb
    action: str
    """The stem of the verb in the tool's name; empty if the name has none."""
    noun: Noun
    phrase: str
    """The noun as people write it, in the singular."""
    is_plural: bool
    server: str = ""
    """The prefix of the MCP server that has the tool; empty for other tools."""
    about: frozenset[str] = frozenset()
    """The stems of the description's words."""

    @property
    def needs(self) -> list[str]:
        """The required parameters besides the organization."""
        return [name for name in self.required if name not in SCOPES]

    @property
    def lists(self) -> bool:
        """Whether the tool returns a list of things."""
        return self.verb is Verb.LIST or (self.verb.only_reads and self.is_plural)


def read_tool(definition: CustomTool) -> OfferedTool:
    """Read a tool's definition from a request."""
    parts = words(definition.name)
    server = ""
    if parts[:1] == ["mcp"] and parts[2:]:
        _, server, *parts = parts
    if len(parts) > 1 and parts[-1].isdigit():
        parts = parts[:-1]
    place = next((place for place, part in enumerate(parts[:2]) if stem(part) in VERBS), None)
    action = stem(parts[place]) if place is not None else ""
    nouns = [part for index, part in enumerate(parts) if index != place]
    schema = definition.input_schema
    properties = {name: part for name, part in (schema.properties or {}).items() if isinstance(part, dict)}
    return OfferedTool(
        name=definition.name,
        description=definition.description,
        properties=properties,
        required=tuple(name for name in schema.required or [] if name in properties),
        verb=VERBS.get(action, Verb.OTHER),
        action=action,
        noun=tuple(stem(part) for part in nouns),
        phrase=" ".join([*nouns[:-1], singular(nouns[-1])]) if nouns else "",
        is_plural=bool(nouns) and is_plural(nouns[-1]),
        server=server,
        about=frozenset(content(" ".join(definition.description.split()[:DESCRIPTION_WORDS]))),
    )
