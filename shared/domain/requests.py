"""Requests to the model: the prefix that a conversation keeps, the messages, the model's capabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import JsonObject


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as a conversation offers it: its definition's JSON, and whether the model sees it only once it is found.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool
    """

    name: str
    encoded: bytes
    is_deferred: bool = False


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """The system prompt: the part that is the same for everybody, then the part about the user."""

    static: str
    personal: str


SearchMode: TypeAlias = Literal["off", "indirect", "references", "server"]
"""How the model gets at tools that it does not see from the start.

`off`: it sees all. `indirect`: our search describes them, and one tool calls them by name. `references`: our search
answers with references that the API expands. `server`: the API searches by itself.
"""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of every request of a conversation: the system prompt and the tools.

    It stays as it was sent first. New tools are only ever added behind the others, deferred.
    https://platform.claude.com/docs/en/build-with-claude/preserved-thinking
    """

    system: SystemPrompt
    tools: tuple[OfferedTool, ...] = ()
    mode: SearchMode = "off"

    @property
    def tool_names(self) -> frozenset[str]:
        """The names of all tools."""
        return frozenset(tool.name for tool in self.tools)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The features of a model at its address that go beyond the common part of the Messages API."""

    checks_thinking: bool = True
    """A thinking block is valid only behind the very system prompt, tools and messages that it was made behind."""
    tool_references: bool = False
    """Tools may be deferred, and results may refer to them."""
    system_messages: bool = False
    """Messages may have the role `system`."""
    tool_changes: bool = False
    """System messages may withdraw tools and give them back."""
    context_editing: bool = False
    """The API clears old tool results by itself."""
    compaction: bool = False
    """The API sums up long conversations by itself."""
    thinking_display: bool = False
    """Thinking is on by default, and its display can be chosen."""
    effort: bool = False
    """The effort can be chosen."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of the model."""

    model: str
    max_tokens: int
    prefix: Prefix
    messages: Sequence[JsonObject]
    may_call_tools: bool = True
    is_repeated: bool = False
    """The request's beginning will be sent again, and so is worth caching."""
    effort: str | None = None
    """How much the model thinks before it answers; None is the model's default."""
