"""What the service says, as its clients read it: conversations and the events of an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, JsonValue, ValidationError

if TYPE_CHECKING:
    from local.chat.sse import Frame

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTEXT = re.compile(r"\A\s*<context>.*?</context>", re.DOTALL)


def printable(text: str) -> str:
    """Remove control characters: what a model or a tool wrote must not drive the terminal."""
    return _CONTROL.sub("", text)


Printable: TypeAlias = Annotated[str, AfterValidator(printable)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(_Wire):
    """A stored message."""

    role: str
    content: Printable

    @property
    def spoken(self) -> str:
        """What was said, without what the web UI tells the model about the page that its user looks at."""
        return _CONTEXT.sub("", self.content).strip()


class Conversation(_Wire):
    """A conversation, with its messages where one alone was asked for."""

    id: UUID
    title: Printable | None
    updated_at: AwareDatetime
    messages: tuple[Message, ...] = ()


class Usage(_Wire):
    """The tokens of an answer."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0


class TextAdded(_Wire):
    """A piece of the answer."""

    text: Printable


class ToolCallBegun(_Wire):
    """The model begins a tool call."""

    id: str
    name: Printable


class BlockFinished(_Wire):
    """The model ended a text or tool block."""


class ToolStarted(ToolCallBegun):
    """A tool begins to run."""


class ToolFinished(ToolCallBegun):
    """A tool has ended; how long it took is known to newer services only."""

    is_error: bool = False
    duration_ms: int | None = None


class ClientAction(_Wire):
    """Something that the user interface is asked to do."""

    id: str
    action: Printable
    params: dict[str, JsonValue]


class AnswerDone(_Wire):
    """The answer is complete and stored."""

    usage: Usage = Usage()
    stop_reason: Printable | None = None


class TitleUpdated(_Wire):
    """The conversation has a title now."""

    title: Printable


class AnswerFailed(_Wire):
    """The answer has failed."""

    message: Printable


Event: TypeAlias = (
    TextAdded
    | ToolCallBegun
    | BlockFinished
    | ToolStarted
    | ToolFinished
    | ClientAction
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
    "done": AnswerDone,
    "title_updated": TitleUpdated,
    "error": AnswerFailed,
}


class UnreadableEvent(ValueError):
    """The service sent an event that does not hold what it should."""


def parse(frame: Frame) -> Event | None:
    """Read an event; one that is not known, or says nothing to a reader, is None.

    Raises:
        UnreadableEvent: its data are not what the event is to have.
    """
    model = _EVENTS.get(frame.event)
    if model is None:
        return None
    try:
        return model.model_validate_json(frame.data)
    except ValidationError as error:
        raise UnreadableEvent(f"The service sent an event that cannot be read: {frame.event}.") from error
