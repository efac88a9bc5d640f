"""Turns that stop before calls that need an approval, and turns that go on from there."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.agent.approval_request import request_text
from shared.domain.approvals import Approved
from shared.domain.events import Reply, ReplyReceived, RoundFinished, RoundParked, ToolResult, ToolsFinished
from shared.domain.models import NO_USAGE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.agent.turn import Turn
    from shared.domain.approvals import Review
    from shared.domain.events import TurnEvent
    from shared.domain.models import Usage
    from shared.domain.parked_rounds import ParkedRound, Resumption

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


def parked(turn: Turn, reply: Reply, review: Review, rounds_left: int, usage: Usage) -> RoundParked:
    """Return the event for a reply whose calls need an approval; `usage` is that of all rounds of the answer.

    The model gets its reply unchanged later. Only users see the text that asks.
    """
    request = request_text(review)
    message = turn.last_message(reply)
    content = f"{message.content.rstrip()}\n\n{request}" if message.content.strip() else request
    message = replace(message, content=content, blocks=reply.blocks)
    return RoundParked(message, reply.calls, review, request, rounds_left, usage)


def rounds_of(resumption: Resumption | None, max_rounds: int) -> int:
    """Return the rounds of tool calls that a turn may have, after those of the parked round if it goes on from one."""
    if resumption is None or resumption.rounds_after is None:
        return max_rounds
    return max(min(resumption.rounds_after, max_rounds - 1), 0)


async def resume(turn: Turn, resumption: Resumption | None) -> AsyncGenerator[TurnEvent, None]:
    """Answer the calls of a parked round, if there is one: run them if they are approved, otherwise say why not."""
    if resumption is None:
        return
    found = resumption.parked
    results = tuple(ToolResult(call.id, _reason(found), is_error=True) for call in found.calls)
    if resumption.is_approved:
        yield ReplyReceived(Reply((), None, NO_USAGE, found.calls), is_stored=True)
        approved = Approved(str(found.approval_id), found.review.digest)
        async with aclosing(turn.tools.run(found.calls, approved)) as running:
            async for event in running:
                if isinstance(event, ToolsFinished):
                    results = event.results
                else:
                    yield event
    message = turn.add_results(results, is_last=resumption.rounds_after == 0)
    yield turn.prepared()
    yield RoundFinished((message,), NO_USAGE)


def _reason(found: ParkedRound) -> str:
    match found.verdict:
        case "approve":
            return _UNKNOWN
        case "reject":
            return _REJECTED.format(reason=f" The user's reason: {found.reason}" if found.reason else "")
        case "expired":
            return _EXPIRED
        case _:
            return _REPLACED
