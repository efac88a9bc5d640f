"""Requests to the model: the constant prefix of a conversation, the messages, and the model's capabilities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from shared.domain.models import JsonObject


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool of a conversation: its definition as JSON, and whether the API hides it until a search has found it.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool
    """

    name: str
    encoded: bytes
    is_deferred: bool = False
    sent: bytes = field(init=False, repr=False, compare=False)
    """The definition as requests have it."""

    def __post_init__(self) -> None:
        """Make what is sent once, because every request has it."""
        deferred = self.encoded[:-1] + b',"defer_loading":true}'
        object.__setattr__(self, "sent", deferred if self.is_deferred else self.encoded)


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """The system prompt: the part that is the same for all users, then the part about the user."""

    static: str
    personal: str


SearchMode: TypeAlias = Literal["off", "indirect", "references", "server"]
"""The way in which the model finds tools that it does not see from the start.

`off`: it sees all tools. `indirect`: the service's search describes tools, and another tool calls them by name.
`references`: the service's search returns references, which the API expands. `server`: the API searches by itself.
"""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of every request of a conversation: the system prompt and the tools.

    It stays as it was first sent. New tools are added only after the others, as deferred tools.
    https://platform.claude.com/docs/en/build-with-claude/preserved-thinking
    """

    system: SystemPrompt
    tools: tuple[OfferedTool, ...] = ()
    mode: SearchMode = "off"
    tool_names: frozenset[str] = field(init=False, repr=False, compare=False)
    """The names of all tools."""
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Collect the names, and compute the hash once."""
        object.__setattr__(self, "tool_names", frozenset(tool.name for tool in self.tools))
        object.__setattr__(self, "_hash", hash((self.system, self.tools, self.mode)))

    def __hash__(self) -> int:
        """Return the hash of the content."""
        return self._hash


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The features of a model that go beyond the common part of the Messages API."""

    checks_thinking: bool = True
    """A thinking block is valid only after exactly the system prompt, tools and messages that it was generated from."""
    tool_references: bool = False
    """Tools may be deferred, and results may refer to them."""
    system_messages: bool = False
    """Messages may have the role `system`."""
    tool_changes: bool = False
    """System messages may withdraw tools and restore them."""
    context_editing: bool = False
    """The API clears old tool results by itself."""
    compaction: bool = False
    """The API summarizes long conversations by itself."""
    thinking_display: bool = False
    """Thinking is on by default, and requests may set its display."""
    effort: bool = False
    """Requests may set the effort."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request to the model."""

    model: str
    max_tokens: int
    prefix: Prefix
    messages: Sequence[JsonObject]
    encoded: Sequence[bytes] = ()
    """The JSON of the first messages, as far as they were encoded before."""
    call_ids: Container[str] = frozenset()
    """The ids of the calls in the messages. No further call may have one of them."""
    may_call_tools: bool = True
    has_fallback: bool = False
    """Another model answers if this one is too busy, so waiting for it is not worth much."""
    is_repeated: bool = False
    """Later requests have the same beginning, so the API should cache it."""
    effort: str | None = None
    """The amount of thinking before the answer, such as `low`; None means the model's default."""
