"""The tool calls of an answer before, while and after they run, and how each one ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from shared.domain.call_facts import CallFacts
    from shared.domain.events import ToolCall, ToolResult

CallStatus: TypeAlias = Literal["ok", "error", "unknown", "not_run", "rejected", "replaced", "expired"]
"""How a call ended. The outcome of a call that may have changed something and has no complete answer is unknown.

The last three say how the approval of a call ended that did not run for want of it.
"""


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call of a reply, with what is known about it; the facts are None if no tool of its name is known yet."""

    call: ToolCall
    facts: CallFacts | None
    approval_id: str | None = None
    """The approval of the user that the call has; None if it needed none."""

    @property
    def may_change(self) -> bool:
        """Whether the call may run and change data. A tool that is not known yet may turn up when it is called."""
        return self.call.problem is None and (self.facts is None or self.facts.changes_something)


@dataclass(frozen=True, slots=True)
class SkippedCall:
    """A call of a parked reply that does not run in this turn."""

    call: ToolCall
    result: ToolResult
    status: CallStatus
    has_result_message: bool = True
    """Whether the result is stored and sent. It is not if another question has replaced the reply."""


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call with its result."""

    result: ToolResult
    status: CallStatus
    duration_ms: int
