"""The way on after a parked round: which turn answers its calls, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.content_blocks import objects_in
from shared.domain.events import ToolResult
from shared.domain.parked_rounds import AnsweredCalls, Resumption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import JsonObject, Lease, Message, StoredMessage
    from shared.domain.parked_rounds import ParkedRound, WayOn
    from shared.graph.begun_turns import BegunTurn


def way_on(turn: BegunTurn, lease: Lease, *, goes_on: bool = False) -> WayOn | None:
    """Return what a turn has to do first, or None if no calls of the conversation are unanswered.

    `goes_on` says that the turn has no question of its own. An approved turn always goes on with the rounds that it had
    left. The turn that stored the verdict acts on it. A later turn that finds the calls unanswered, because a process
    was killed, does not run them.
    """
    unanswered = _unanswered(turn.earlier)
    if unanswered is None:
        return None
    if results := _replaced_results(turn.earlier, unanswered):
        return AnsweredCalls(results)
    parked = turn.parked
    if parked is None or parked.message_id != unanswered.id:
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


def _unanswered(messages: Sequence[StoredMessage]) -> StoredMessage | None:
    """Return the last reply if it has calls without results; only questions may follow it."""
    current = [message for message in messages if not message.is_superseded]
    for message in reversed(current):
        if message.tool_results:
            return None
        if message.role == "assistant":
            return message if message.tool_use else None
    return None


def _replaced_results(messages: Sequence[StoredMessage], reply: StoredMessage) -> tuple[ToolResult, ...]:
    """Return the results that a reply's calls had before a question replaced them, or none."""
    ids = {call.get("id") for call in reply.tool_use or ()}
    for message in messages:
        results = message.tool_results or ()
        if message.sequence > reply.sequence and {each.get("tool_use_id") for each in results} == ids:
            return tuple(_result(each) for each in results)
    return ()


def _result(block: JsonObject) -> ToolResult:
    content = block.get("content")
    call_id, is_error = str(block.get("tool_use_id")), block.get("is_error") is True
    return ToolResult(call_id, content if isinstance(content, str) else objects_in(content), is_error)
