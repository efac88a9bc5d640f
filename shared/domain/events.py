"""What happens during an answer: a closed union of frozen events, named in the past tense.

`ModelEvent` comes from the model, `ToolEvent` from the tools, `TurnEvent` is all that a turn yields before it is
stored, `AnswerEvent` what a client is told. The last event of each generator carries its result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from shared.domain.content_blocks import text_of
from shared.domain.models import NO_USAGE, Usage

if TYPE_CHECKING:
    from uuid import UUID

    from shared.domain.models import Additions, HistoryEdits, JsonObject, Message
    from shared.domain.requests import Prefix


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `problem` says why its input cannot be used, if it cannot."""

    id: str
    name: str
    input: JsonObject
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave, as text or as content blocks of the Messages API."""

    call_id: str
    content: str | list[JsonObject]
    is_error: bool = False

    def block(self) -> JsonObject:
        """Render the `tool_result` block for the model and the store."""
        block: JsonObject = {"type": "tool_result", "tool_use_id": self.call_id, "content": self.content}  # type: ignore[dict-item]  # a list of objects is JSON
        return {**block, "is_error": True} if self.is_error else block


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished reply of the model: its content blocks as they came, why it stopped, what it cost."""

    blocks: tuple[JsonObject, ...]
    stop_reason: str | None
    usage: Usage
    calls: tuple[ToolCall, ...] = ()

    @property
    def text(self) -> str:
        """The text of all text blocks."""
        return text_of(self.blocks)


@dataclass(frozen=True, slots=True)
class TextAdded:
    """A piece of the answer's text came."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingAdded:
    """A piece of the model's thinking came that is meant to be shown."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallBegun:
    """The model began a tool call."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolInputAdded:
    """A piece of the current call's input came."""

    partial_json: str


@dataclass(frozen=True, slots=True)
class BlockFinished:
    """The model ended a text or tool block."""


@dataclass(frozen=True, slots=True)
class UsageCounted:
    """The API counted the tokens of the current reply so far."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """The model's reply is complete."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A server-side tool began to run."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A server-side tool ended, or a browser's was refused."""

    id: str
    name: str
    is_error: bool
    duration_ms: int


@dataclass(frozen=True, slots=True)
class ClientActionRequested:
    """The browser is to execute a client-side tool."""

    id: str
    action: str
    params: JsonObject


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A call has its result."""

    result: ToolResult


@dataclass(frozen=True, slots=True)
class ReplyReceived:
    """A reply is complete, and its calls are about to run."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class ToolsFinished:
    """Every call of a reply has its result, in the order of the calls."""

    results: tuple[ToolResult, ...]


@dataclass(frozen=True, slots=True)
class TurnPrepared:
    """The turn knows what its messages are stored with; a later event of the kind replaces an earlier one."""

    prefix: Prefix
    question: Additions
    edits: HistoryEdits


@dataclass(frozen=True, slots=True)
class RoundFinished:
    """A reply and the results of all its calls are complete, as the messages to store; more is to come."""

    messages: tuple[Message, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The answer is complete: its last message, why it ended, and the tokens of all rounds."""

    message: Message
    stop_reason: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class AnswerStored:
    """The answer is complete and stored."""

    message_id: UUID
    usage: Usage
    stop_reason: str


@dataclass(frozen=True, slots=True)
class TitleChosen:
    """The conversation has its title."""

    title: str


@dataclass(frozen=True, slots=True)
class AnswerFailed:
    """The answer ended without being complete; the message is one plain sentence."""

    message: str
    code: str
    retryable: bool
    usage: Usage = NO_USAGE
    """The tokens that were counted all the same; they are not told to the client."""


Progress: TypeAlias = TextAdded | ThinkingAdded | ToolCallBegun | ToolInputAdded | BlockFinished
ToolProgress: TypeAlias = ToolStarted | ToolFinished | ClientActionRequested
ModelEvent: TypeAlias = Progress | UsageCounted | ReplyFinished
ToolEvent: TypeAlias = ToolProgress | ToolReturned | ToolsFinished
TurnEvent: TypeAlias = (
    Progress | UsageCounted | TurnPrepared | ReplyReceived | ToolProgress | ToolReturned | RoundFinished | TurnFinished
)
AnswerEvent: TypeAlias = Progress | ToolProgress | AnswerStored | TitleChosen | AnswerFailed
