"""The loop of a turn: reply, tools, reply, …, answer."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.agent.history import message_to_send
from shared.domain.content_blocks import blocks_of, has_tool_results, text_block
from shared.domain.events import (
    BlockFinished,
    Reply,
    ReplyFinished,
    ReplyReceived,
    RoundFinished,
    TextAdded,
    ToolResult,
    ToolsFinished,
    TurnFinished,
)
from shared.domain.models import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from shared.domain.events import TurnEvent
    from shared.domain.models import JsonObject
    from shared.domain.ports import Model, ModelRequest, Tools

_ROUNDS_ARE_OVER = text_block(
    "No more tools can be called for this question. Answer now from what you have, and say what is missing."
)
_CLOSINGS = {
    "max_tokens": "The answer was cut off here because it reached its maximum length.",
    "model_context_window_exceeded": "The answer was cut off here because the conversation has become too long.",
    "refusal": "I can't help with that request.",
    "tool_use": "The answer ends here because it needed more steps than are allowed.",
}
_NOTHING_SAID = "I have no answer to that. Please try to ask in another way."
_NOTHING_TO_ADD = "Done."


async def run_turn(
    model: Model, tools: Tools, request: ModelRequest, max_rounds: int
) -> AsyncGenerator[TurnEvent, None]:
    """Answer the last message of the request; tools run for at most `max_rounds` rounds, then the model must answer.

    Raises:
        ModelError: a reply could not be had, or not to its end.
    """
    reply = Reply((), None, Usage())
    usage = Usage()
    for rounds_left in range(max_rounds, -1, -1):
        async with aclosing(model.reply(_request_of_round(tools, request, rounds_left))) as replying:
            async for event in replying:
                if isinstance(event, ReplyFinished):
                    reply = event.reply
                else:
                    yield event
        usage += reply.usage
        if not rounds_left or not _goes_on(reply):
            break
        yield ReplyReceived(reply)
        results: tuple[ToolResult, ...] = ()
        async with aclosing(tools.run(reply.calls)) as running:
            async for happened in running:
                if isinstance(happened, ToolsFinished):
                    results = happened.results
                else:
                    yield happened
        yield RoundFinished(reply, results)
        request = replace(request, messages=[*request.messages, *_round_to_send(reply, results)])
    closing = _closing(reply, had_rounds=rounds_left < max_rounds)
    if closing:
        yield TextAdded(closing)
        yield BlockFinished()
    yield TurnFinished(_closed(reply, closing), reply.stop_reason or "end_turn", usage)


def _goes_on(reply: Reply) -> bool:
    """Say whether more is to come: calls of ours to run, or work of the API's own tools that it wants to resume."""
    if reply.stop_reason == "pause_turn":
        return any(block.get("type") == "server_tool_use" for block in reply.blocks)
    return reply.stop_reason == "tool_use"


def _request_of_round(tools: Tools, request: ModelRequest, rounds_left: int) -> ModelRequest:
    if rounds_left:
        return replace(request, offer=tools.offer(request.messages), is_repeated=True)
    *earlier, last = request.messages
    if not has_tool_results(last):
        return request
    told: JsonObject = {**last, "content": [*blocks_of(last), _ROUNDS_ARE_OVER]}
    return replace(request, messages=[*earlier, told])


def _round_to_send(reply: Reply, results: Sequence[ToolResult]) -> list[JsonObject]:
    said = message_to_send("assistant", reply.blocks)
    return [said, message_to_send("user", [result.block() for result in results])] if results else [said]


def _closing(reply: Reply, *, had_rounds: bool) -> str:
    """Give what is to be said for a reply that ends without having said it."""
    closing = _CLOSINGS.get(reply.stop_reason or "")
    if closing is None:
        closing = "" if reply.text.strip() else _NOTHING_TO_ADD if had_rounds else _NOTHING_SAID
    return f"\n\n{closing}" if closing and reply.text.strip() else closing


def _closed(reply: Reply, closing: str) -> Reply:
    """Give the reply as it is stored: without calls that nobody will answer, with what was said for it."""
    blocks = [block for block in reply.blocks if block.get("type") != "tool_use"]
    if closing:
        blocks.append(text_block(closing))
    return replace(reply, blocks=tuple(blocks), calls=())
