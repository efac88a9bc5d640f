"""The interfaces that a turn depends on: the model, the tools and the transcript."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from uuid import UUID

    from shared.domain.approvals import Approved, Review
    from shared.domain.call_facts import CallFacts
    from shared.domain.calls import PlannedCall, SkippedCall
    from shared.domain.events import (
        AnswerFailed,
        AnswerStored,
        ApprovalRequired,
        ModelEvent,
        RoundParked,
        ToolCall,
        ToolEvent,
        ToolResult,
        TurnPrepared,
    )
    from shared.domain.models import Caller, JsonObject, Lease, Message, Principal
    from shared.domain.receipts import Receipt
    from shared.domain.requests import ModelRequest


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool's definition for the model.

    `encoded` is the definition as JSON for the Messages API. It is encoded once, because every round sends
    hundreds of definitions.
    """

    name: str
    description: str
    input_schema: JsonObject
    encoded: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Encode the definition as JSON."""
        definition = {"name": self.name, "description": self.description, "input_schema": self.input_schema}
        object.__setattr__(self, "encoded", orjson.dumps(definition))


class Model(Protocol):
    """A language model."""

    def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream a reply; the last event is ReplyFinished.

        Raises:
            ModelError: the model gave no reply, or the reply is incomplete.
        """
        ...

    async def aclose(self) -> None:
        """Close the model's connections."""
        ...


class Tools(Protocol):
    """The tools of one caller."""

    def definitions(self) -> Sequence[ToolDefinition]:
        """Return all tools that the caller may use now; the turn calls this again after every round."""
        ...

    def facts_of(self, call: ToolCall) -> CallFacts | None:
        """Return what is known about a call before it runs; None if no tool of this name can run now."""
        ...

    async def review(self, calls: Sequence[ToolCall]) -> Review | None:
        """Return what the user is asked before the calls of a reply run; None if they run without asking."""
        ...

    def run(self, calls: Sequence[ToolCall], approved: Approved | None = None) -> AsyncGenerator[ToolEvent, None]:
        """Run the calls of one reply in parallel; the last event is ToolsFinished. Failures are returned as results.

        None runs if they are no longer the calls that the user `approved`.
        """
        ...

    def skip(self, calls: Sequence[SkippedCall], approval_id: str) -> None:
        """Record calls that waited for an approval and do not run in this turn."""
        ...


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """The output of a call, as text or as content blocks."""

    content: str | list[JsonObject]
    is_error: bool = False
    is_cut: bool = False
    """The toolset has already shortened the content."""
    found: tuple[str, ...] = ()
    """The names of tools that the model can use from now on."""
    receipt: Receipt | None = None
    """What the call changed, where that could be read."""
    code: str = ""
    """The reason of an error as a code for the log, such as `http_404`."""


class Toolset(Protocol):
    """A source of tools that all callers share."""

    @property
    def in_browser(self) -> bool:
        """Whether the browser carries out the action after `call` has checked the arguments."""
        ...

    async def ensure_loaded(self) -> None:
        """Load the tools if necessary, for a limited time; every turn calls this at its start."""
        ...

    @property
    def extra_seconds(self) -> float:
        """The time that a call may take beyond the limit for all tools."""
        ...

    def definitions(self, principal: Principal) -> Sequence[ToolDefinition]:
        """Return the tools that the principal may use, in a stable order."""
        ...

    async def prepare(self, name: str, arguments: JsonObject, principal: Principal) -> None:
        """Load what the facts of a call depend on. A failure leaves them unknown and raises nothing."""
        ...

    def facts(self, name: str, arguments: JsonObject, principal: Principal) -> CallFacts:
        """Return what is known about a call of a tool before it runs, without any input or output.

        Raises:
            ToolError: there is no such tool.
        """
        ...

    async def preview(self, name: str, arguments: JsonObject, caller: Caller) -> tuple[JsonObject, ...]:
        """Return what a call would change, as far as it can be read with the caller's rights in a limited time.

        Each change has a JSON pointer `path`, and `before` and `after` where they are known.
        """
        ...

    async def accept(self, name: str) -> None:
        """Take the present definition of a tool as known: a user has approved a call of it."""
        ...

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:
        """Run a tool for a caller.

        Raises:
            ToolError: the call failed; the message is for the model.
        """
        ...

    async def aclose(self) -> None:
        """Close the toolset's connections."""
        ...


class Journal(Protocol):
    """The journal of one answer's tool calls. Each round and each call passes it before it runs."""

    async def admit(self, caller: Caller, calls: Sequence[PlannedCall]) -> Caller:
        """Let a round's calls run; return the caller with the rights of the moment.

        Raises:
            Unauthenticated: the caller's token is no longer valid.
            ConversationLost: another answer holds the conversation. No call may run.
            GraphUnavailable: the journal could not be written. No call may run.
        """
        ...

    async def check(self) -> None:
        """Check that the answer still holds its conversation, directly before a call is sent.

        Raises: as admit.
        """
        ...

    def begin(self, planned: PlannedCall) -> str | None:
        """Note that a call begins; return its idempotency key if it may change something."""
        ...

    def end(self, result: ToolResult, duration_ms: int, *, is_uncertain: bool) -> None:
        """Note the result of a call; it is uncertain if the call was sent and had no complete answer."""
        ...

    def skip(self, planned: PlannedCall, skipped: SkippedCall) -> None:
        """Note that a call does not run."""
        ...

    def result_of(self, call: ToolCall) -> ToolResult:
        """Return the result of a call; if it has none, an error result that says what is known."""
        ...


class Transcript(Protocol):
    """The storage of one conversation while this answer is its only writer."""

    @property
    def question_id(self) -> UUID:
        """The id of the message that is being answered."""
        ...

    def prepare(self, prepared: TurnPrepared) -> None:
        """Set the data that is stored with the next messages. This method stores nothing itself."""
        ...

    @property
    def lease(self) -> Lease:
        """The right to write to the conversation."""
        ...

    async def append(self, messages: Sequence[Message]) -> None:
        """Store messages after the existing ones, all or none.

        Raises:
            ConversationLost: another answer holds the conversation's lease.
            ConversationNotFound: the conversation has been deleted.
            GraphError: the messages could not be stored.
        """
        ...

    async def park(self, parked: RoundParked, outcome: AnswerStored) -> ApprovalRequired:
        """Store a reply whose calls need an approval, and the approval; release the lease; return the event that asks.

        Raises: as append.
        """
        ...

    async def finish(self, messages: Sequence[Message], outcome: AnswerStored | AnswerFailed) -> None:
        """Store the last messages (there may be none) and the outcome, and release the lease.

        Raises: as append.
        """
        ...
