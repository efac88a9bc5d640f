"""The service's data models: frozen dataclasses without input or output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from pydantic import JsonValue

    from shared.domain.call_details import CallDetails
    from shared.domain.receipts import Receipt

JsonObject: TypeAlias = "dict[str, JsonValue]"
Role: TypeAlias = Literal["user", "assistant"]

ADMIN = "admin"
"""The value of an operation's `x-imbi-permission` that allows only administrators to call it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An active user or service account with the permissions of its roles."""

    subject: str
    display_name: str
    is_admin: bool = False
    is_service_account: bool = False
    permissions: frozenset[str] = frozenset()
    organizations: tuple[str, ...] = ()
    """The sorted slugs of the principal's organizations."""

    def may(self, required: Iterable[str]) -> bool:
        """Return whether the principal has all required permissions."""
        return self.is_admin or all(name != ADMIN and name in self.permissions for name in required)


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal with the bearer token of its request. The token is sent only to the Imbi API."""

    principal: Principal
    token: str = field(repr=False)
    conversation_id: UUID | None = None
    """The conversation that is being answered; None in all other requests."""
    asks_before_changes: bool = False
    """The conversation that is being answered asks before every change."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The graph's record of a token's subject; `principal` is None if the subject is unknown or inactive."""

    principal: Principal | None
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A stored API key with its owner; the owner is None if it is inactive or does not exist."""

    key_id: str
    key_hash: str = field(repr=False)
    scopes: frozenset[str]
    is_revoked: bool
    expires_at: float
    """Seconds since the epoch."""
    last_used: float
    """Seconds since the epoch; 0 means never."""
    owner: Principal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MCPServer:
    """An external MCP server as stored in the graph; encrypted fields are decrypted only for a connection."""

    slug: str
    name: str
    url: str
    tool_prefix: str
    timeout: float = 30.0
    """Seconds that one listing or call may take."""
    trusted: bool = False
    """Whether an operator vouches for what the server says about its own tools."""
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
    """The numbers of tokens that the model's API counted."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Return the sum of each count."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_creation_input_tokens + other.cache_creation_input_tokens,
            self.cache_read_input_tokens + other.cache_read_input_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        """Return the difference of each count, which is never below zero."""
        return Usage(*(max(getattr(self, name) - getattr(other, name), 0) for name in self.__slots__))


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Additions:
    """The parts that the service added to a user's message, stored so that later requests repeat them unchanged."""

    context: tuple[str, ...] = ()
    """Texts that the service sends as blocks of the message."""
    system: tuple[JsonObject, ...] = ()
    """The content blocks of a system message that follows the message."""
    state: JsonObject | None = None
    """The facts that the model has after this message, so that later messages contain only changes."""


@dataclass(frozen=True, slots=True)
class HistoryEdits:
    """The parts of a history that are no longer sent.

    Each number is the sequence of the last message that the edit applies to; -1 means no message. The numbers never
    decrease. An edit also removes the thinking that the model's API binds to the edited part.
    """

    thinking: int = -1
    """Thinking blocks are left out."""
    images: int = -1
    """Images are replaced by a sentence."""
    plain: int = -1
    """All blocks except texts, tool calls and tool results are left out."""
    results: int = -1
    """Long tool results are replaced by a sentence."""
    first: int = 0
    """The sequence of the first message that is sent."""

    def __or__(self, other: HistoryEdits) -> HistoryEdits:
        """Combine two edits: for each kind, the larger number counts."""
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
    """The key of the stored system prompt and tools of the conversation."""
    edits: HistoryEdits = NO_EDITS
    """The parts of the history that are no longer sent to the model."""
    is_title_provisional: bool = False
    """The title consists of the first question's words, until a better one is chosen."""
    is_answering: bool = False
    """An answer is running."""
    asks_before_changes: bool = False
    """Every tool call that changes something asks the user first, whatever the installation allows."""


@dataclass(frozen=True, slots=True)
class FoundConversation:
    """A conversation that a search has found."""

    conversation: Conversation
    snippet: str
    """The part of its text that shows why, with the found words between asterisks."""
    clauses: int
    """How many clauses of the query occur in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of a conversation.

    `content` is the text for users. `blocks` are the unchanged content blocks of the Messages API, if the reply
    has parts that `content` and `tool_use` cannot represent, such as thinking with its signature; otherwise None.
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
    """The parts that the service added; only for a user's message."""
    is_partial: bool = False
    """The answer was interrupted here; the message contains only its beginning."""
    idempotency_key: str | None = None
    """The Idempotency-Key of a question; a client that does not know whether the question arrived sends it again."""
    outcome: JsonObject | None = None
    """How the answer ended: on its question and on its last message. It is empty on a question whose answer runs."""
    is_superseded: bool = False
    """Another question has replaced this message's question."""
    call_details: tuple[CallDetails, ...] = ()
    """How the calls ran whose results this message has, as clients see it."""
    receipts: tuple[Receipt, ...] = ()
    """What the calls whose results this message has have changed. They are stored in a table of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage(Message):
    """A message with its position; `sequence` counts from 0 without gaps within its conversation."""

    conversation_id: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to one conversation; `holder` identifies the answer that has it."""

    conversation_id: UUID
    holder: UUID
