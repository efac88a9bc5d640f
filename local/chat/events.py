"""Models of the service's responses: conversations, messages and the events of an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, JsonValue, ValidationError

if TYPE_CHECKING:
    from local.chat.sse import Frame

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UI_BLOCK = re.compile(r"\A\s*<(context|search_context)>.*?</\1>", re.DOTALL | re.IGNORECASE)


def printable(text: str) -> str:
    """Remove control characters, so that text from a model or a tool cannot control the terminal."""
    return _CONTROL.sub("", text)


Printable: TypeAlias = Annotated[str, AfterValidator(printable)]


class _ResponseModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Change(_ResponseModel):
    """One difference of a thing before and after a call; a value that is not set did not exist."""

    path: Printable
    before: JsonValue = None
    after: JsonValue = None
    is_secret: bool = False


class Receipt(_ResponseModel):
    """What a call changed."""

    id: Printable
    kind: Printable
    path: Printable
    left_out: int = 0
    can_be_undone: bool = False


class CallDetails(_ResponseModel):
    """How a call ran: what it changed, if anything is known about that."""

    changes: tuple[Change, ...] = ()
    receipt: Receipt | None = None


class StoredError(_ResponseModel):
    """Why a stored answer failed."""

    code: str = ""
    message: Printable
    retryable: bool = True


class StoredCall(_ResponseModel):
    """A tool call of a stored message."""

    name: Printable


class Message(_ResponseModel):
    """A stored message."""

    id: UUID | None = None
    role: str
    content: Printable
    tool_use: tuple[StoredCall, ...] | None = None
    is_partial: bool = False
    stop_reason: Printable | None = None
    error: StoredError | None = None
    tool_details: tuple[CallDetails, ...] | None = None

    @property
    def receipts(self) -> list[CallDetails]:
        """The details of the calls that changed something."""
        return [details for details in self.tool_details or () if details.receipt is not None]

    @property
    def text(self) -> str:
        """The content without the blocks in which the web UI describes its page and search to the model."""
        text = self.content
        while found := _UI_BLOCK.match(text):
            text = text[found.end() :]
        return text.strip()


class Approval(_ResponseModel):
    """Tool calls that wait for the user's decision. The last message says which."""


class Conversation(_ResponseModel):
    """A conversation; lists of conversations leave out the messages."""

    id: UUID
    title: Printable | None
    updated_at: AwareDatetime
    model: Printable = ""
    asks_before_changes: bool = False
    is_answering: bool = False
    snippet: Printable | None = None
    approval: Approval | None = None
    messages: tuple[Message, ...] = ()

    @property
    def last_question(self) -> Message | None:
        """The last message in the user's own words."""
        questions = [message for message in self.messages if message.role == "user" and message.text]
        return questions[-1] if questions else None

    @property
    def last_answer(self) -> Message | None:
        """The last message of the answer to the last question."""
        last = self.messages[-1] if self.messages else None
        answers = [message for message in self.messages if message.role == "assistant"]
        return answers[-1] if answers and last is not None and last != self.last_question else None


class Usage(_ResponseModel):
    """The token usage of an answer."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0


class TextAdded(_ResponseModel):
    """Text was added to the answer."""

    text: Printable


class ToolCallBegun(_ResponseModel):
    """The model began a tool call."""

    id: str
    name: Printable


class BlockFinished(_ResponseModel):
    """The model finished a block of text or a tool call."""


class ToolStarted(ToolCallBegun):
    """A tool started to run."""


class ToolFinished(ToolCallBegun, CallDetails):
    """A tool finished; older services do not send the duration."""

    is_error: bool = False
    duration_ms: int | None = None


class ClientAction(_ResponseModel):
    """The user interface is asked to do something."""

    id: str
    action: Printable
    params: dict[str, JsonValue]


class AskedCall(_ResponseModel):
    """A tool call that waits for the user's approval."""

    name: Printable


class ApprovalRequired(_ResponseModel):
    """Tool calls wait for the user's approval."""

    calls: tuple[AskedCall, ...] = ()


class AnswerDone(_ResponseModel):
    """The answer is complete and stored."""

    usage: Usage = Usage()
    stop_reason: Printable | None = None


class TitleUpdated(_ResponseModel):
    """The conversation received a title."""

    title: Printable


class AnswerFailed(_ResponseModel):
    """The answer failed."""

    message: Printable
    code: str = ""
    retryable: bool = True


Event: TypeAlias = (
    TextAdded
    | ToolCallBegun
    | BlockFinished
    | ToolStarted
    | ToolFinished
    | ClientAction
    | ApprovalRequired
    | AnswerDone
    | TitleUpdated
    | AnswerFailed
)

_EVENTS: dict[str, type[Event]] = {
    "text": TextAdded,
    "tool_use_start": ToolCallBegun,
    "content_block_stop": BlockFinished,
    "tool_executing": ToolStarted,
    "tool_result": ToolFinished,
    "client_action": ClientAction,
    "approval_required": ApprovalRequired,
    "done": AnswerDone,
    "title_updated": TitleUpdated,
    "error": AnswerFailed,
}


class UnreadableEvent(ValueError):
    """The service sent an event whose data are not valid."""


def parse(frame: Frame) -> Event | None:
    """Parse an event; unknown events, and those that are not shown, give None.

    Raises:
        UnreadableEvent: the data of the event are not valid.
    """
    model = _EVENTS.get(frame.event)
    if model is None:
        return None
    try:
        return model.model_validate_json(frame.data)
    except ValidationError as error:
        raise UnreadableEvent(f"The service sent an event that cannot be read: {frame.event}.") from error
