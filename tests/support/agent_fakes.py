"""Scripted implementations of a turn's ports."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from shared.agent.history import History
from shared.agent.loop import run_turn
from shared.agent.prefix import first_prefix
from shared.agent.turn import Turn, TurnSettings
from shared.domain.call_facts import CallFacts
from shared.domain.calls import PlannedCall
from shared.domain.events import (
    ApprovalRequired,
    BlockFinished,
    Reply,
    ReplyFinished,
    TextAdded,
    ToolCall,
    ToolCallBegun,
    ToolFinished,
    ToolResult,
    ToolsFinished,
    ToolStarted,
)
from shared.domain.models import Lease, Message, Usage
from shared.domain.ports import ToolDefinition
from shared.domain.requests import Capabilities, ModelRequest, SystemPrompt
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from shared.domain.approvals import Approved, Review
    from shared.domain.calls import SkippedCall
    from shared.domain.events import (
        AnswerFailed,
        AnswerStored,
        ModelEvent,
        RoundParked,
        ToolEvent,
        TurnEvent,
        TurnPrepared,
    )
    from shared.domain.models import Caller, JsonObject
    from shared.domain.ports import Model

ECHO = ToolDefinition("echo", "Says it back.", {"type": "object"})
QUESTION_ID = UUID(int=1)


def said(text: str, *calls: ToolCall, stop: str | None = None, output_tokens: int = 1) -> Reply:
    """Make a reply of a text and calls."""
    blocks: list[JsonObject] = [{"type": "text", "text": text}] if text else []
    blocks += [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input} for call in calls]
    reason = stop or ("tool_use" if calls else "end_turn")
    return Reply(tuple(blocks), reason, Usage(1, output_tokens), calls)


def call(name: str = "echo", call_id: str | None = None) -> ToolCall:
    """Make a call."""
    return ToolCall(call_id or f"toolu_{uuid4().hex}", name, {})


CAPABLE = Capabilities(
    checks_thinking=True, tool_references=True, system_messages=True, tool_changes=True, context_editing=True
)


def turn_of(
    tools: ScriptedTools | None = None,
    *,
    text: str = "Hi",
    max_rounds: int = 10,
    history: History | None = None,
    capabilities: Capabilities = CAPABLE,
) -> Turn:
    """Make the turn of a question."""
    tools = tools or ScriptedTools()
    question = Message(id=QUESTION_ID, role="user", content=text, created_at=clock.now())
    prefix = first_prefix(SystemPrompt("Static.", "Personal."), tools.definitions(), "references", ())
    settings = TurnSettings("claude-sonnet-5-5", 100, max_rounds, 100_000, capabilities)
    return Turn(settings, prefix, history or History.of([], question), tools)


async def told(model: Model, turn: Turn) -> list[TurnEvent]:
    """Run a turn and return its events."""
    events: list[TurnEvent] = []

    async def tell(event: TurnEvent) -> None:
        events.append(event)

    await run_turn(model, turn, tell)
    return events


@dataclass
class ScriptedModel:
    """A Model that gives replies, or raises, in order."""

    script: list[Reply | Exception]
    requests: list[ModelRequest] = field(default_factory=list)
    closed: int = 0
    """How many of its streams were closed by whoever opened them."""

    async def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream the next reply."""
        self.requests.append(request)
        answer = self.script.pop(0)
        try:
            if isinstance(answer, Exception):
                yield TextAdded("It begins")
                raise answer
            for event in _events(answer):
                await asyncio.sleep(0)
                yield event
        finally:
            self.closed += 1

    async def aclose(self) -> None:
        """Close nothing."""


def _events(reply: Reply) -> Iterator[ModelEvent]:
    for block in reply.blocks:
        if block["type"] == "text":
            text = str(block["text"])
            yield from (TextAdded(piece) for piece in (text[:2], text[2:]) if piece)
            yield BlockFinished()
        elif block["type"] == "tool_use":
            yield ToolCallBegun(str(block["id"]), str(block["name"]))
            yield BlockFinished()
    yield ReplyFinished(reply)


@dataclass
class MemoryJournal:
    """A Journal in memory."""

    results: dict[str, ToolResult] = field(default_factory=dict)

    async def admit(self, caller: Caller, calls: Sequence[PlannedCall]) -> Caller:  # noqa: ARG002  # the port's
        """Let every call run."""
        return caller

    async def check(self) -> None:
        """Let every call be sent."""

    def begin(self, planned: PlannedCall) -> str | None:
        """Give the call's id as its key."""
        return planned.call.id

    def end(self, result: ToolResult, duration_ms: int, *, is_uncertain: bool) -> None:  # noqa: ARG002  # the port's
        """Keep the result."""
        self.results[result.call_id] = result

    def skip(self, planned: PlannedCall, skipped: SkippedCall) -> None:  # noqa: ARG002  # the port's
        """Keep the result."""
        self.results[skipped.call.id] = skipped.result

    def result_of(self, call: ToolCall) -> ToolResult:
        """Return the result, or an error."""
        return self.results.get(call.id) or ToolResult(call.id, "The result is unknown.", is_error=True)


@dataclass
class ScriptedTools:
    """Tools that answer every call with its id; each is offered only while it is in `offered`."""

    offered: list[ToolDefinition] = field(default_factory=lambda: [ECHO])
    ran: list[str] = field(default_factory=list)
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def definitions(self) -> Sequence[ToolDefinition]:
        """List the tools of the moment."""
        return tuple(self.offered)

    def facts_of(self, call: ToolCall) -> CallFacts | None:
        """Describe a call: every tool only reads."""
        is_offered = any(each.name == call.name for each in self.offered)
        return CallFacts(name=call.name, source="assistant", effect="read", operation=call.name) if is_offered else None

    async def review(self, calls: Sequence[ToolCall]) -> Review | None:  # noqa: ARG002  # the port's
        """Ask about no call."""
        return None

    def skip(self, calls: Sequence[SkippedCall], approval_id: str) -> None:
        """Record nothing: no call waits for an approval."""

    async def run(
        self,
        calls: Sequence[ToolCall],
        approved: Approved | None = None,  # noqa: ARG002  # the port's
    ) -> AsyncGenerator[ToolEvent, None]:
        """Run calls one after the other, and learn a new tool with each."""
        results = []
        for each in calls:
            yield ToolStarted(each.id, each.name)
            self.journal.begin(PlannedCall(each, self.facts_of(each)))
            await asyncio.sleep(0)
            self.ran.append(each.id)
            results.append(ToolResult(each.id, f"result of {each.id}"))
            self.journal.end(results[-1], 0, is_uncertain=False)
            yield ToolFinished(each.id, each.name, is_error=False, duration_ms=0)
            self.offered.append(ToolDefinition(f"tool_{len(self.offered)}", "Learnt.", {"type": "object"}))
        yield ToolsFinished(tuple(results))


@dataclass
class MemoryTranscript:
    """A Transcript in memory; `failures` are raised by its next storings, in order."""

    messages: list[Message] = field(default_factory=list)
    outcome: AnswerStored | AnswerFailed | None = None
    failures: list[Exception | None] = field(default_factory=list)
    question_id: UUID = QUESTION_ID
    lease: Lease = field(default_factory=lambda: Lease(uuid4(), uuid4()))
    prepared: TurnPrepared | None = None

    def prepare(self, prepared: TurnPrepared) -> None:
        """Keep the record."""
        self.prepared = prepared

    async def append(self, messages: Sequence[Message]) -> None:
        """Store messages; the wait is where a cancellation would strike."""
        await asyncio.sleep(0)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.messages += messages

    async def park(self, parked: RoundParked, outcome: AnswerStored) -> ApprovalRequired:
        """Store a reply that waits for an approval."""
        await self.finish([parked.message], outcome)
        return ApprovalRequired(parked.message.id, clock.now(), parked.review.asked)

    async def finish(self, messages: Sequence[Message], outcome: AnswerStored | AnswerFailed) -> None:
        """Store the last messages and the outcome."""
        assert self.outcome is None, "an answer ended twice"
        await self.append(messages)
        self.outcome = outcome
