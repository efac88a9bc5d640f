"""Parked rounds: tool calls of which none runs until the user decides, and the way on from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from shared.domain.events import ApprovalRequired

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from shared.domain.approvals import Review, Verdict
    from shared.domain.events import ToolCall, ToolResult

APPROVAL_LIFETIME_SECONDS = 3600
"""An approval that is older can no longer be given."""
APPROVAL_LIFETIME = timedelta(seconds=APPROVAL_LIFETIME_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedRound:
    """The calls of a stored reply, with their approval."""

    approval_id: UUID
    question_id: UUID
    message_id: UUID
    """The assistant's message that contains the calls."""
    calls: tuple[ToolCall, ...]
    review: Review
    rounds_left: int
    """The rounds of tool calls that the turn may still have, the parked one included."""
    expires_at: datetime
    verdict: Verdict | None = None
    """How the approval ended; None while it is open."""
    reason: str | None = None
    """The user's reason for a rejection."""
    holder: UUID | None = None
    """The answer that acts on the verdict."""

    def required(self) -> ApprovalRequired:
        """Return the event that asks the user."""
        return ApprovalRequired(self.approval_id, self.expires_at, self.review.asked)

    def is_open(self, now: datetime) -> bool:
        """Return whether the user can still decide."""
        return self.verdict is None and now < self.expires_at

    def decided(self, verdict: Verdict, holder: UUID) -> ParkedRound:
        """Return the round with a verdict."""
        return replace(self, verdict=verdict, holder=holder)


@dataclass(frozen=True, slots=True)
class Resumption:
    """A parked round whose calls a turn answers before it asks the model."""

    parked: ParkedRound
    is_approved: bool
    """Whether this turn runs the calls. A turn that finds an approved round without results does not run it again."""
    cut_calls: frozenset[str] = frozenset()
    """The ids of approved calls that had begun when their process was killed. The audit has them already."""
    rounds_after: int | None = None
    """The rounds of tool calls that the turn may have afterwards; None if it is a turn of its own."""


@dataclass(frozen=True, slots=True)
class AnsweredCalls:
    """The calls of a parked round whose results a question has replaced. The calls are not made again.

    The same results are sent and stored once more, because they still say what happened.
    """

    results: tuple[ToolResult, ...]


WayOn: TypeAlias = "Resumption | AnsweredCalls"
"""What a turn does first, because the last reply's calls have no results."""
