"""The prefix of a conversation: its creation, its growth, and the messages about changed tools.

The system prompt and the tools of a conversation stay as they were first sent. New tools are added after the others as
deferred tools, which do not affect the request until the model has found them. A removed tool stays in the list; a
message tells the model that it is no longer available, and the code that runs tools refuses it.
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, TypeAlias

from shared.domain.models import Additions
from shared.domain.ports import ToolDefinition
from shared.domain.requests import OfferedTool, Prefix

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from shared.domain.models import JsonObject
    from shared.domain.requests import Capabilities, SearchMode, SystemPrompt

FEW = 30
"""Up to this number, the model sees all tools, because a search would cost more than it saves."""
_MOST_NAMES = 30
_MOST_DEFINITIONS = 5
"""A message tells of this many changed definitions. The next messages tell of the others."""


def first_prefix(
    system: SystemPrompt, definitions: Sequence[ToolDefinition], mode: SearchMode, residents: Collection[str]
) -> Prefix:
    """Return the prefix of a new conversation.

    The model sees all tools if they are few. Otherwise it sees the residents; the others are deferred or left out.
    """
    shows_all = mode == "off" or len(definitions) <= FEW
    shown = [each for each in definitions if shows_all or each.name in residents]
    others = [each for each in definitions if not shows_all and each.name not in residents]
    tools = [OfferedTool(each.name, each.encoded) for each in shown]
    if mode in {"references", "server"}:
        tools += [OfferedTool(each.name, each.encoded, is_deferred=True) for each in others]
    return Prefix(system, tuple(tools), mode)


Growth: TypeAlias = Literal["deferred", "shown", "never"]
"""How new tools come into a conversation: deferred, among those that are shown, or not at all."""


def growth_of(mode: SearchMode, capabilities: Capabilities) -> Growth:
    """Return how new tools come into a conversation with this mode.

    Where all tools are shown, a new one is deferred and added by a system message. A model that has no such messages
    gets it among the others, unless its thinking would become invalid by that.
    """
    if mode == "indirect":
        return "never"
    if mode != "off" or capabilities.tool_changes:
        return "deferred"
    return "never" if capabilities.checks_thinking else "shown"


def grown(
    prefix: Prefix,
    definitions: Iterable[ToolDefinition],
    used: Collection[str],
    referenced: Iterable[str] = (),
    growth: Growth = "deferred",
) -> Prefix:
    """Return the prefix with new tools after the others.

    A deferred tool that the conversation has not `used` yet gets its new definition. All others keep theirs. A removed
    tool that the conversation has `referenced` gets a definition too, because the API refuses a reference without one.
    """
    if prefix.mode == "indirect" or growth == "never":
        return prefix
    current = {each.name: each.encoded for each in definitions}
    redefined = {
        tool.name
        for tool in prefix.tools
        if tool.is_deferred and tool.name not in used and current.get(tool.name, tool.encoded) != tool.encoded
    }
    known = prefix.tool_names
    added = {name: encoded for name, encoded in current.items() if name not in known}
    added |= {name: _gone(name).encoded for name in referenced if name not in current and name not in known}
    if not redefined and not added:
        return prefix
    existing = (replace(tool, encoded=current[tool.name]) if tool.name in redefined else tool for tool in prefix.tools)
    new = (OfferedTool(name, encoded, growth == "deferred") for name, encoded in added.items())
    return replace(prefix, tools=(*existing, *new))


def _gone(name: str) -> ToolDefinition:
    return ToolDefinition(name, "This tool is currently not available.", {"type": "object"})


@dataclass(frozen=True, slots=True)
class ToolChanges:
    """The differences between the tools that the model was told about and those that it may use now."""

    added: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    redefined: tuple[ToolDefinition, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.added or self.withdrawn or self.restored or self.redefined)


def tool_changes(
    prefix: Prefix,
    definitions: Sequence[ToolDefinition],
    used: Collection[str],
    state: JsonObject,
    growth: Growth = "deferred",
) -> ToolChanges:
    """Compare the current tools with the prefix and with the changes that the model was told about before."""
    current = {each.name: each for each in definitions}
    seen = {tool.name: tool for tool in prefix.tools if not tool.is_deferred or tool.name in used}
    told_withdrawn = set(_names(state.get("withdrawn")))
    told_redefined = _texts(state.get("redefined"))
    known = prefix.tool_names
    return ToolChanges(
        added=() if growth == "never" else tuple(name for name in current if name not in known),
        withdrawn=tuple(name for name in seen if name not in current and name not in told_withdrawn),
        restored=tuple(name for name in sorted(told_withdrawn) if name in current),
        redefined=tuple(
            current[name]
            for name, tool in seen.items()
            if name in current and _is_redefined(current[name], tool, told_redefined.get(name))
        )[:_MOST_DEFINITIONS],
    )


def _is_redefined(definition: ToolDefinition, tool: OfferedTool, told: str | None) -> bool:
    """Return whether a definition differs from the one that the model was told last: at first, the tool's own."""
    return definition.encoded != tool.encoded if told is None else _hash(definition) != told


def told_state(state: JsonObject, changes: ToolChanges) -> JsonObject:
    """Return the facts that the model has after the message about the changes."""
    withdrawn = (set(_names(state.get("withdrawn"))) | set(changes.withdrawn)) - set(changes.restored)
    redefined = {**_texts(state.get("redefined")), **{each.name: _hash(each) for each in changes.redefined}}
    return {**state, "withdrawn": [*sorted(withdrawn)], "redefined": {**redefined}}


def announcement(
    changes: ToolChanges, *, has_tool_changes: bool, state: JsonObject, has_search: bool = True
) -> Additions:
    """Return the parts of a message that tell the model about changed tools.

    Where the model has no search, a system message also adds the new ones.
    """
    system: list[JsonObject] = []
    if has_tool_changes:
        added = changes.restored if has_search else (*changes.added, *changes.restored)
        system += [_change("tool_removal", name) for name in changes.withdrawn]
        system += [_change("tool_addition", name) for name in added]
    return Additions((_changes_text(changes, has_search=has_search),), tuple(system), told_state(state, changes))


def _change(kind: str, name: str) -> JsonObject:
    return {"type": kind, "tool": {"type": "tool_reference", "name": name}}


def _changes_text(changes: ToolChanges, *, has_search: bool) -> str:
    lines = ["<tool_changes>"]
    if changes.added:
        found = " that search_tools can find" if has_search else ""
        lines.append(f"New tools{found}: {_listed(changes.added)}.")
    if changes.withdrawn:
        lines.append(f"Tools that this user may no longer use; do not call them: {_listed(changes.withdrawn)}.")
    if changes.restored:
        lines.append(f"Tools that are available again: {_listed(changes.restored)}.")
    lines += [f"{each.name} has changed. Its definition is now: {each.encoded.decode()}" for each in changes.redefined]
    return "\n".join([*lines, "</tool_changes>"])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _hash(definition: ToolDefinition | OfferedTool) -> str:
    return sha256(definition.encoded).hexdigest()[:16]


def _names(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _texts(value: object) -> Mapping[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, dict) else {}
