"""The loop of a turn: the model replies and the tools run, until the model calls no more tools."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.agent.parked_turn import parked, resume, rounds_of, run_tools
from shared.agent.sent_blocks import is_resumable
from shared.agent.visible_text import VisibleText
from shared.domain.block_rules import is_acceptable
from shared.domain.content_blocks import text_block
from shared.domain.events import (
    NO_REPLY,
    BlockFinished,
    ReplyReceived,
    RoundFinished,
    TextAdded,
    TurnFinished,
)
from shared.domain.models import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.turn import Turn
    from shared.domain.events import Reply, Tell, ToolResult, TurnEvent
    from shared.domain.parked_rounds import WayOn
    from shared.domain.ports import Model

_UNFINISHED = frozenset({"max_tokens", "refusal", "model_context_window_exceeded"})
"""After these stop reasons, a call may be incomplete or unintended, so it does not run."""
_CLOSINGS = {
    "max_tokens": "The answer was cut off here because it reached its maximum length.",
    "model_context_window_exceeded": "The answer was cut off here because the conversation is too long.",
    "refusal": "I can't help with that request.",
    "tool_use": "The answer ends here because it needed more steps than the service allows.",
}
_NOTHING_SAID = "I have no answer to this question. Please ask it in another way."
_NOTHING_TO_ADD = "The steps are done, but the AI model wrote no answer. Ask for the result if you miss something."
_STEP_FAILED = "I could not finish this, because a step failed. Please ask again or in another way."


async def run_turn(model: Model, turn: Turn, tell: Tell, way_on: WayOn | None = None) -> None:
    """Answer the question of a turn. After `max_rounds` rounds of tool calls, the model must answer without tools.

    The calls of a parked round get their results first. A reply with calls that need an approval ends the turn.

    Raises:
        ModelError: the model gave no reply, or the reply is incomplete.
    """
    visible = VisibleText()

    async def follow(event: TurnEvent) -> None:
        visible.follow(event)
        await tell(event)

    await tell(turn.prepared())
    await resume(turn, way_on, follow)
    reply, usage = NO_REPLY, Usage()
    for rounds_left in range(rounds_of(way_on, turn.settings.max_rounds), -1, -1):
        reply = await turn.reply(model, follow, may_call_tools=rounds_left > 0)
        usage += reply.usage
        if not rounds_left or not _goes_on(reply):
            break
        review = await turn.tools.review(reply.calls)
        if review is not None:
            await tell(parked(turn, reply, review, rounds_left, usage))
            return
        await _run_calls(turn, reply, follow, is_last=rounds_left == 1)
    told, stored = _closing(reply, visible, turn.results)
    if told:
        await tell(TextAdded(told))
        await tell(BlockFinished())
    message = turn.last_message(_closed(reply, stored))
    await tell(TurnFinished(message, _stop_reason(reply, has_rounds_left=rounds_left > 0), usage))


async def _run_calls(turn: Turn, reply: Reply, tell: Tell, *, is_last: bool) -> None:
    """Run the calls of a reply and finish the round."""
    await tell(ReplyReceived(reply))
    results = await run_tools(turn.tools.run(reply.calls), tell)
    messages = turn.add_round(reply, results, is_last=is_last)
    await tell(turn.prepared())
    await tell(RoundFinished(messages, reply.usage))


def _goes_on(reply: Reply) -> bool:
    """Return whether another round follows: to run tool calls, or to resume paused work of the API's own tools.

    Some gateways send complete calls with `end_turn`, and `tool_use` without a call.
    """
    if reply.stop_reason == "pause_turn" and not reply.calls:
        return is_resumable([block for block in reply.blocks if is_acceptable(block)])
    return bool(reply.calls) and reply.stop_reason not in _UNFINISHED


def _stop_reason(reply: Reply, *, has_rounds_left: bool) -> str:
    """Return the stop reason for the client: `tool_use` only if the round limit left calls unanswered."""
    if reply.stop_reason == "tool_use" and has_rounds_left:
        return "end_turn"
    return reply.stop_reason or "end_turn"


def _closing(reply: Reply, visible: VisibleText, results: Sequence[ToolResult]) -> tuple[str, str]:
    """Return the text to send after the last reply and the text to add to the stored message; both may be empty.

    A reply that was cut off gets a sentence that says so. A reply without text gets the answer that the UI hides, or
    another sentence. Text of the reply itself that the UI hides is sent again, but not stored twice.
    """
    closing = _CLOSINGS.get(reply.stop_reason or "") if reply.calls or reply.stop_reason != "tool_use" else None
    has_text = bool(reply.text.strip())
    hidden = "" if has_text and visible.words else visible.hidden_answer
    instead = hidden or ("" if has_text else _without_answer(results))
    if closing is None:
        return instead, "" if has_text else instead
    ending = f"\n\n{closing}" if has_text or hidden else closing
    told = f"{hidden}{ending}"
    return told, ending if has_text else told


def _without_answer(results: Sequence[ToolResult]) -> str:
    """Return the sentence for a reply without text after the results of the last tools."""
    if any(result.is_error for result in results):
        return _STEP_FAILED
    return _NOTHING_TO_ADD if results else _NOTHING_SAID


def _closed(reply: Reply, closing: str) -> Reply:
    """Return the reply to store: without calls that do not run, and with the closing sentence."""
    blocks = [block for block in reply.blocks if block.get("type") != "tool_use" and is_acceptable(block)]
    if closing:
        blocks.append(text_block(closing))
    return replace(reply, blocks=tuple(blocks), calls=())
