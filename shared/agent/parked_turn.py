"""Turns that stop before calls that need an approval, and turns that go on from there."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.agent.approval_request import request_text
from shared.domain.approvals import Approved
from shared.domain.calls import SkippedCall
from shared.domain.events import Reply, ReplyReceived, RoundFinished, RoundParked, ToolResult, ToolsFinished
from shared.domain.models import NO_USAGE
from shared.domain.parked_rounds import AnsweredCalls, Resumption

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.agent.turn import Turn
    from shared.domain.approvals import Review
    from shared.domain.calls import CallStatus
    from shared.domain.events import Tell, ToolCall, ToolEvent
    from shared.domain.models import Usage
    from shared.domain.parked_rounds import ParkedRound, WayOn
    from shared.domain.ports import Tools

_AGAIN = "If it is still wanted, make the call again: the user is then asked anew."
_REJECTED = "The user rejected this call. It was not run. Do not make it again unless the user asks for it.{reason}"
_REPLACED = (
    "This call was not run: the user was asked to approve it, and sent another message instead. Do not make it again"
    " unless the user asks for it."
)
_EXPIRED = f"This call was not run: the user was asked to approve it, and did not do so within an hour. {_AGAIN}"
_UNKNOWN = (
    "The user approved this call, but the service was interrupted before its result was stored. Whether it was run is"
    " not known. Look at the present state before you make it again."
)
_NOT_SENT = f"The user approved this call, but the service was interrupted before it was sent. It was not run. {_AGAIN}"


def parked(turn: Turn, reply: Reply, review: Review, rounds_left: int, usage: Usage) -> RoundParked:
    """Return the event for a reply whose calls need an approval; `usage` is that of all rounds of the answer.

    The model gets its reply unchanged later. Only users see the text that asks.
    """
    request = request_text(review)
    message = turn.last_message(reply)
    content = f"{message.content.rstrip()}\n\n{request}" if message.content.strip() else request
    message = replace(message, content=content, blocks=reply.blocks)
    return RoundParked(message, reply.calls, review, request, rounds_left, usage)


def rounds_of(way_on: WayOn | None, max_rounds: int) -> int:
    """Return the rounds of tool calls that a turn may have, after those of the parked round if it goes on from one."""
    if not isinstance(way_on, Resumption) or way_on.rounds_after is None:
        return max_rounds
    return max(min(way_on.rounds_after, max_rounds - 1), 0)


async def resume(turn: Turn, way_on: WayOn | None, tell: Tell) -> None:
    """Answer the calls of a parked round, if there is one: run them if they are approved, otherwise say why not."""
    if way_on is None:
        return
    results: tuple[ToolResult, ...] = ()
    match way_on:
        case AnsweredCalls():
            results = way_on.results
        case Resumption(is_approved=False):
            results = _without_running(turn.tools, way_on)
        case Resumption(parked=found):
            await tell(ReplyReceived(Reply((), None, NO_USAGE, found.calls), is_stored=True))
            approved = Approved(str(found.approval_id), found.review.digest)
            results = await run_tools(turn.tools.run(found.calls, approved), tell)
    message = turn.add_results(results, is_last=isinstance(way_on, Resumption) and way_on.rounds_after == 0)
    await tell(turn.prepared())
    await tell(RoundFinished((message,), NO_USAGE))


async def run_tools(running: AsyncGenerator[ToolEvent, None], tell: Tell) -> tuple[ToolResult, ...]:
    """Run calls to their end, tell their events, and return their results."""
    results: tuple[ToolResult, ...] = ()
    async with aclosing(running) as events:
        async for event in events:
            if isinstance(event, ToolsFinished):
                results = event.results
            else:
                await tell(event)
    return results


def skip_replaced(tools: Tools, found: ParkedRound) -> None:
    """Record the calls of a parked reply that a question has replaced, so that no message has their results."""
    calls = [
        SkippedCall(call, ToolResult(call.id, _REPLACED, is_error=True), "replaced", has_result_message=False)
        for call in found.calls
    ]
    tools.skip(calls, str(found.approval_id))


def _without_running(tools: Tools, resumption: Resumption) -> tuple[ToolResult, ...]:
    """Record calls that do not run, and return their results. The audit has the calls that a killed process began."""
    skipped = [_skipped(resumption, call) for call in resumption.parked.calls]
    unrecorded = [each for each in skipped if each.call.id not in resumption.cut_calls]
    tools.skip(unrecorded, str(resumption.parked.approval_id))
    return tuple(each.result for each in skipped)


def _skipped(resumption: Resumption, call: ToolCall) -> SkippedCall:
    found = resumption.parked
    if found.verdict == "approve":
        # A call has a stored intent before it is sent.
        is_unsent = call.id not in resumption.cut_calls
        status: CallStatus = "not_run" if is_unsent else "unknown"
        reason = _NOT_SENT if is_unsent else _UNKNOWN
    else:
        reason, status = _reason(found)
    return SkippedCall(call, ToolResult(call.id, reason, is_error=True), status)


def _reason(found: ParkedRound) -> tuple[str, CallStatus]:
    match found.verdict:
        case "reject":
            reason = f" The user's reason: {found.reason}" if found.reason else ""
            return _REJECTED.format(reason=reason), "rejected"
        case "expired":
            return _EXPIRED, "expired"
        case _:
            return _REPLACED, "replaced"
