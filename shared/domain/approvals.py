"""Approvals: tool calls that wait for the user's decision, and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from shared.domain.events import ToolCall
    from shared.domain.models import JsonObject

APPROVAL_REQUIRED = "approval_required"
"""The stop reason of an answer that ended because its calls wait for an approval."""

UserDecision: TypeAlias = Literal["approve", "reject"]
Verdict: TypeAlias = Literal["approve", "reject", "replaced", "expired"]
"""How an approval ended. It is `replaced` if the user sent another message instead of a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCall:
    """A call that the user is asked about, as clients show it."""

    id: str
    name: str
    input: JsonObject
    method: str | None
    path: str | None
    changes: tuple[JsonObject, ...] = ()
    """Objects with a JSON pointer `path`, and `before` and `after` where they are known."""
    source: str = ""
    operation: str = ""
    """The operation's name for people."""


@dataclass(frozen=True, slots=True)
class Review:
    """The calls of a reply of which at least one asks: what the user sees, and the digest that an approval binds."""

    digest: str
    asked: tuple[AskedCall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A parked round: calls of which none runs until the user decides."""

    id: UUID
    question_id: UUID
    message_id: UUID
    """The assistant's message that contains the calls."""
    digest: str
    """A hash of the name, the input, the operation and the server of every call."""
    calls: tuple[ToolCall, ...]
    asked: tuple[AskedCall, ...]
    rounds_left: int
    """The rounds of tool calls that the turn may still have, the parked one included."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DecidedApproval:
    """An approval that has ended, or that is still open if there is no verdict."""

    approval: Approval
    verdict: Verdict | None
    reason: str | None
    holder: UUID | None
    """The answer that acts on the verdict."""
