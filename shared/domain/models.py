"""What the service is about: frozen values without any input or output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from pydantic import JsonValue

JsonObject: TypeAlias = "dict[str, JsonValue]"
Role: TypeAlias = Literal["user", "assistant"]

ADMIN = "admin"
"""The name in an operation's `x-imbi-permission` that stands for administrators only."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an active user or service account with the permissions of its roles."""

    subject: str
    display_name: str
    is_admin: bool = False
    is_service_account: bool = False
    permissions: frozenset[str] = frozenset()
    organizations: tuple[str, ...] = ()
    """The slugs of the organizations that it is a member of, in order."""

    def may(self, required: Iterable[str]) -> bool:
        """Say whether the principal has every one of the required permissions."""
        return self.is_admin or all(name != ADMIN and name in self.permissions for name in required)


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal with the bearer token that it came with, which goes to the Imbi API alone."""

    principal: Principal
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the graph says of a token's subject; `principal` is None where it is unknown or inactive."""

    principal: Principal | None
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An API key as it is stored, with its owner, who is None where it is inactive or gone."""

    key_id: str
    key_hash: str = field(repr=False)
    scopes: frozenset[str]
    is_revoked: bool
    expires_at: float
    """Seconds since the epoch."""
    last_used: float
    """Seconds since the epoch; 0 is never."""
    owner: Principal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MCPServer:
    """An external server of tools, as the graph has it; what is encrypted is decrypted only to connect."""

    slug: str
    name: str
    url: str
    tool_prefix: str
    timeout: float = 30.0
    """Seconds that one listing or call may take."""
    verify_ssl: bool = True
    ignored_tools: frozenset[str] = frozenset()
    auth_type: str = "none"
    """`none`, `static` (a header) or `oauth_client_credentials`."""
    static_header: str = "Authorization"
    static_value_encrypted: str = field(default="", repr=False)
    oauth_token_url: str = ""
    oauth_client_id: str = ""
    oauth_client_secret_encrypted: str = field(default="", repr=False)
    oauth_scope: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the model counted."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Add two counts, kind by kind."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_creation_input_tokens + other.cache_creation_input_tokens,
            self.cache_read_input_tokens + other.cache_read_input_tokens,
        )


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Additions:
    """The parts of a user's message that the service added to it, kept so that they are sent again unchanged."""

    context: tuple[str, ...] = ()
    """Texts behind the message's own blocks."""
    system: tuple[JsonObject, ...] = ()
    """The content blocks of a system message that follows."""
    state: JsonObject | None = None
    """The facts that the model knows from here on, so that only changes are told."""


@dataclass(frozen=True, slots=True)
class HistoryEdits:
    """The parts of a history that are no longer sent, each through the message with the given sequence; -1 is none.

    Every edit only grows. An edit drops the thinking that the model's API binds to the edited part as well.
    """

    thinking: int = -1
    """Thinking blocks are left out."""
    images: int = -1
    """Images are replaced by a sentence."""
    plain: int = -1
    """Only texts, calls and results are sent."""
    results: int = -1
    """Long tool results are replaced by a sentence."""
    first: int = 0
    """The first message that is sent."""

    def __or__(self, other: HistoryEdits) -> HistoryEdits:
        """Combine two edits: of each kind the one that reaches further."""
        return HistoryEdits(
            max(self.thinking, other.thinking),
            max(self.images, other.images),
            max(self.plain, other.plain),
            max(self.results, other.results),
            max(self.first, other.first),
        )


NO_EDITS = HistoryEdits()
NO_ADDITIONS = Additions()


@dataclass(frozen=True, slots=True)
class Conversation:
    """A user's conversation; its title is None until one is generated."""

    id: UUID
    user_email: str
    title: str | None
    created_at: datetime
    updated_at: datetime
    model: str
    is_archived: bool = False
    prefix: str | None = None
    """The key of the system prompt and tools that the conversation began with."""
    edits: HistoryEdits = NO_EDITS
    """The parts of the history that are no longer sent to the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of a conversation.

    `content` is the text that people read. `blocks` are the content blocks as the Messages API gave them, for replaying
    what text, tool_use and tool_results do not hold (thinking with its signature, say); None where there is no more.
    """

    id: UUID
    role: Role
    content: str
    created_at: datetime
    tool_use: tuple[JsonObject, ...] | None = None
    tool_results: tuple[JsonObject, ...] | None = None
    token_usage: JsonObject | None = None
    blocks: tuple[JsonObject, ...] | None = None
    additions: Additions | None = None
    """Of a user's message: the parts that the service added."""
    is_partial: bool = False
    """The answer was cut off here: the text is what had been streamed by then."""
    idempotency_key: str | None = None
    """Of a question: what its sender will send again if it does not learn whether it arrived."""
    outcome: JsonObject | None = None
    """Of a question with a key: how its answer ended, as the client was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage(Message):
    """A message with its place; `sequence` counts from 0 without gaps within its conversation."""

    conversation_id: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to one conversation; `holder` identifies the answer that has it."""

    conversation_id: UUID
    holder: UUID
