"""What the turn needs from the world outside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from uuid import UUID

    from shared.domain.events import AnswerFailed, AnswerStored, ModelEvent, ToolCall, ToolEvent, TurnPrepared
    from shared.domain.models import Caller, JsonObject, Lease, Message, Principal
    from shared.domain.requests import ModelRequest


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool as the model sees it.

    `encoded` is its JSON in the Messages API's form, made once: hundreds of definitions go out with every round.
    """

    name: str
    description: str
    input_schema: JsonObject
    encoded: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Encode the definition."""
        definition = {"name": self.name, "description": self.description, "input_schema": self.input_schema}
        object.__setattr__(self, "encoded", orjson.dumps(definition))


class Model(Protocol):
    """A language model."""

    def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream a reply; the last event is ReplyFinished.

        Raises:
            ModelError: the reply could not be had, or not to its end.
        """
        ...

    async def aclose(self) -> None:
        """Close what the model holds open."""
        ...


class Tools(Protocol):
    """One caller's tools."""

    def definitions(self) -> Sequence[ToolDefinition]:
        """List all tools that the caller may use now; asked again after every round."""
        ...

    def run(self, calls: Sequence[ToolCall]) -> AsyncGenerator[ToolEvent, None]:
        """Run the calls of one reply side by side; the last event is ToolsFinished. Failures are results."""
        ...


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """The output of a call, as text or as content blocks."""

    content: str | list[JsonObject]
    is_error: bool = False
    is_cut: bool = False
    """The content is short enough as it is."""
    found: tuple[str, ...] = ()
    """Names of tools that the model is to see from now on."""


class Toolset(Protocol):
    """One source of tools, shared by all callers."""

    @property
    def in_browser(self) -> bool:
        """Whether the browser executes what `call` has checked."""
        ...

    async def ensure_loaded(self) -> None:
        """Make the tools known as far as that is possible within a bound; asked at the start of every turn."""
        ...

    def definitions(self, principal: Principal) -> Sequence[ToolDefinition]:
        """List the tools that the principal may use, in a stable order."""
        ...

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:
        """Run a tool for a caller.

        Raises:
            ToolError: the call failed; the message is for the model.
        """
        ...

    async def aclose(self) -> None:
        """Close what the toolset holds open."""
        ...


class Transcript(Protocol):
    """Where one conversation is kept, for as long as this answer is its only writer."""

    @property
    def question_id(self) -> UUID:
        """The id of the message that is being answered."""
        ...

    def prepare(self, prepared: TurnPrepared) -> None:
        """Take what the next messages are stored with; nothing is stored yet."""
        ...

    @property
    def lease(self) -> Lease:
        """The right to write to the conversation."""
        ...

    async def append(self, messages: Sequence[Message]) -> None:
        """Store messages after those there are, all or none.

        Raises:
            ConversationLost: another answer is the conversation's writer now.
            ConversationNotFound: the conversation has been removed.
            GraphError: they could not be stored.
        """
        ...

    async def finish(self, messages: Sequence[Message], outcome: AnswerStored | AnswerFailed) -> None:
        """Store the last messages, perhaps none, with how the answer ended, and leave the conversation to others.

        Raises: as append.
        """
        ...
