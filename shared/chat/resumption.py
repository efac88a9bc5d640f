"""The way on after a parked round: which turn answers its calls, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.parked_rounds import Resumption

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.domain.models import Lease, Message, StoredMessage
    from shared.domain.parked_rounds import ParkedRound
    from shared.graph.begun_turns import BegunTurn


def resumption_of(turn: BegunTurn, lease: Lease, *, goes_on: bool = False) -> Resumption | None:
    """Return the parked round that a turn has to answer first, or None if no calls of the conversation are unanswered.

    `goes_on` says that the turn has no question of its own. An approved turn always goes on with the rounds that it had
    left. The turn that stored the verdict acts on it. A later turn that finds the calls unanswered, because a process
    was killed, does not run them.
    """
    parked = turn.parked
    if parked is None or not _is_unanswered(turn.earlier, parked.message_id):
        return None
    is_approved = parked.verdict == "approve" and parked.holder == lease.holder
    rounds_after = parked.rounds_left - 1 if goes_on or is_approved else None
    approval = str(parked.approval_id)
    cut = {str(record.get("call_id")) for record in turn.cut_calls if record.get("approval_id") == approval}
    return Resumption(parked, is_approved, frozenset(cut), rounds_after)


def replaced_round(turn: BegunTurn, lease: Lease) -> ParkedRound | None:
    """Return the parked round that a turn's question has replaced together with its reply, or None."""
    parked = turn.parked
    if parked is None or parked.holder != lease.holder or parked.verdict == "approve":
        return None
    return parked if any(each.id == parked.message_id and each.is_superseded for each in turn.earlier) else None


def question_of(turn: BegunTurn) -> Message:
    """Return the question whose turn goes on."""
    asked = turn.parked.question_id if turn.parked is not None else None
    return next(message for message in turn.earlier if message.id == asked)


def _is_unanswered(messages: Sequence[StoredMessage], message_id: UUID) -> bool:
    """Return whether the calls of a message have no results yet."""
    for message in reversed(messages):
        if message.is_superseded:
            continue
        if message.id == message_id:
            return True
        if message.tool_results or message.role == "assistant":
            return False
    return False
