"""The events of an answer: a closed union of frozen dataclasses, named in the past tense.

The model yields a `ModelEvent`, and the tools yield a `ToolEvent`; the last event of each generator contains the
generator's result. A turn tells a `TurnEvent`, and the client receives an `AnswerEvent`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from shared.domain.content_blocks import text_of
from shared.domain.models import NO_USAGE, Usage

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from shared.domain.approvals import AskedCall, Review
    from shared.domain.models import Additions, HistoryEdits, JsonObject, Message
    from shared.domain.receipts import Receipt, ShownReceipt
    from shared.domain.requests import Prefix


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call of the model; `problem` is the reason why its input is invalid, or None."""

    id: str
    name: str
    input: JsonObject
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a call, as text or as content blocks of the Messages API."""

    call_id: str
    content: str | list[JsonObject]
    is_error: bool = False
    receipt: Receipt | None = None
    """What the call changed; stored beside the messages."""
    duration_ms: int | None = None
    """How long the call ran; None if it did not run."""

    def block(self) -> JsonObject:
        """Return the `tool_result` block for the model and for storage."""
        block: JsonObject = {"type": "tool_result", "tool_use_id": self.call_id, "content": self.content}  # type: ignore[dict-item]  # a list of objects is JSON
        return {**block, "is_error": True} if self.is_error else block


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished reply of the model: its unchanged content blocks, its stop reason, its tokens and its tool calls."""

    blocks: tuple[JsonObject, ...]
    stop_reason: str | None
    usage: Usage
    calls: tuple[ToolCall, ...] = ()

    @property
    def text(self) -> str:
        """The text of all text blocks."""
        return text_of(self.blocks)


NO_REPLY: Final = Reply((), None, NO_USAGE)


@dataclass(frozen=True, slots=True)
class TextAdded:
    """A piece of the answer's text arrived."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingAdded:
    """A piece of the model's thinking arrived that the client shows."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallBegun:
    """The model began a tool call."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolInputAdded:
    """A piece of the current call's input arrived."""

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
    """A tool started on the server."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool ended on the server, or a call of a browser tool was refused."""

    id: str
    name: str
    is_error: bool
    duration_ms: int
    receipt: ShownReceipt | None = None
    reason: str = ""
    """The reason of an error as a code for the log, such as `timeout`; it is not sent to the client."""


@dataclass(frozen=True, slots=True)
class ClientActionRequested:
    """A tool asks the browser to carry out an action."""

    id: str
    action: str
    params: JsonObject


@dataclass(frozen=True, slots=True)
class ReplyReceived:
    """A reply is complete, and its calls run next."""

    reply: Reply
    is_stored: bool = False
    """The reply was stored by an earlier turn, which ended because its calls needed an approval."""


@dataclass(frozen=True, slots=True)
class ToolsFinished:
    """Every call of a reply has its result, in the order of the calls."""

    results: tuple[ToolResult, ...]


@dataclass(frozen=True, slots=True)
class TurnPrepared:
    """The turn has the data that is stored with its messages; a later event of this type replaces an earlier one."""

    prefix: Prefix
    question: Additions
    edits: HistoryEdits
    model: str = ""
    """The model of the next reply."""


@dataclass(frozen=True, slots=True)
class RoundFinished:
    """A reply and the results of all its calls are complete and can be stored; another round follows."""

    messages: tuple[Message, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The answer is complete: its last message, its stop reason, and the tokens of all rounds."""

    message: Message
    stop_reason: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class RoundParked:
    """A reply is complete, and none of its calls runs before the user approves them."""

    message: Message
    """The reply as it is stored; its text for users ends with `request`."""
    calls: tuple[ToolCall, ...]
    review: Review
    request: str
    """The text that asks the user. The service writes it from the calls."""
    rounds_left: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class ApprovalRequired:
    """The calls of the answer's last reply are stored and wait for the user's decision."""

    approval_id: UUID
    expires_at: datetime
    calls: tuple[AskedCall, ...]


@dataclass(frozen=True, slots=True)
class AnswerStored:
    """The answer is complete and stored."""

    message_id: UUID
    usage: Usage
    stop_reason: str


@dataclass(frozen=True, slots=True)
class TitleChosen:
    """A title was stored for the conversation."""

    title: str


@dataclass(frozen=True, slots=True)
class AnswerRestarted:
    """The events that follow tell the answer from its beginning again."""


@dataclass(frozen=True, slots=True)
class AnswerFailed:
    """The answer ended before it was complete; the message is one plain sentence for the user."""

    message: str
    code: str
    retryable: bool
    usage: Usage = NO_USAGE
    """The tokens that were used until then; they are not sent to the client."""
    retry_after: int | None = None
    """The seconds after which a retry may succeed, if the model's API names them."""


Progress: TypeAlias = TextAdded | ThinkingAdded | ToolCallBegun | ToolInputAdded | BlockFinished
ToolProgress: TypeAlias = ToolStarted | ToolFinished | ClientActionRequested
ModelEvent: TypeAlias = Progress | UsageCounted | ReplyFinished
ToolEvent: TypeAlias = ToolProgress | ToolsFinished
TurnEvent: TypeAlias = (
    Progress | UsageCounted | TurnPrepared | ReplyReceived | ToolProgress | RoundFinished | RoundParked | TurnFinished
)
AnswerEvent: TypeAlias = (
    Progress | ToolProgress | ApprovalRequired | AnswerStored | TitleChosen | AnswerRestarted | AnswerFailed
)
Tell: TypeAlias = Callable[[TurnEvent], Awaitable[None]]
"""Takes the events of a turn; the turn goes on when an event has been sent or stored."""
Emit: TypeAlias = Callable[[AnswerEvent], Awaitable[None]]
"""Takes the events for the client."""
