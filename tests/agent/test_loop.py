"""The loop between model and tools, with a scripted model and scripted tools."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest

from local.messages_api import problems
from shared.agent.loop import run_turn
from shared.claude.optional_features import Features
from shared.claude.request import encode
from shared.domain.errors import ModelError
from shared.domain.events import ReplyReceived, RoundFinished, TextAdded, TurnFinished
from tests.support.agent_fakes import ScriptedModel, ScriptedTools, call, said, told, turn_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.events import TurnEvent
    from shared.domain.requests import ModelRequest


async def events_of(model: ScriptedModel, tools: ScriptedTools, max_rounds: int = 10) -> list[TurnEvent]:
    return await told(model, turn_of(tools, max_rounds=max_rounds))


def finished(events: Sequence[TurnEvent]) -> TurnFinished:
    assert isinstance(events[-1], TurnFinished)
    return events[-1]


def objections(request: ModelRequest) -> list[str]:
    encoded = encode(request, Features(), 100_000)
    return problems(orjson.loads(encoded.body), betas=encoded.betas.split(","))


@pytest.mark.proves("turn.loop")
async def test_an_answer_without_calls_is_one_reply() -> None:
    model = ScriptedModel([said("Hello")])
    events = await events_of(model, ScriptedTools())
    assert "".join(event.text for event in events if isinstance(event, TextAdded)) == "Hello"
    assert finished(events).stop_reason == "end_turn"
    assert len(model.requests) == model.closed == 1


@pytest.mark.proves("turn.loop", "stream.done")
async def test_rounds_are_told_with_their_results_and_summed() -> None:
    first, second = call(), call()
    model = ScriptedModel([said("One.", first, second, output_tokens=2), said("Two.", output_tokens=3)])
    tools = ScriptedTools()
    events = await events_of(model, tools)
    [received] = [event for event in events if isinstance(event, ReplyReceived)]
    [done] = [event for event in events if isinstance(event, RoundFinished)]
    replied, results = done.messages
    assert [each["id"] for each in replied.tool_use or ()] == [each.id for each in received.reply.calls]
    assert [each["tool_use_id"] for each in results.tool_results or ()] == tools.ran == [first.id, second.id]
    assert finished(events).usage.output_tokens == 5
    assert not any(objections(request) for request in model.requests)


@pytest.mark.proves("turn.loop")
async def test_new_tools_are_added_behind_the_others_in_every_round() -> None:
    model = ScriptedModel([said("", call()), said("", call()), said("Done.")])
    await events_of(model, ScriptedTools())
    tools = [request.prefix.tools for request in model.requests]
    assert [len(each) for each in tools] == [1, 2, 3]
    assert [tool.is_deferred for tool in tools[-1]] == [False, True, True]
    assert tools[2][:2] == tools[1]


@pytest.mark.proves("turn.round-limit")
@pytest.mark.parametrize("rounds", [0, 1, 3])
async def test_in_the_last_call_tools_may_not_be_called(rounds: int) -> None:
    model = ScriptedModel([*[said("", call()) for _ in range(rounds)], said("Done.")])
    events = await events_of(model, ScriptedTools(), rounds)
    assert [request.may_call_tools for request in model.requests] == [True] * rounds + [False]
    assert all(request.prefix.tools for request in model.requests)
    assert finished(events).message.content == "Done."
    assert not any(objections(request) for request in model.requests)


@pytest.mark.proves("turn.round-limit", "turn.replayable")
@pytest.mark.parametrize("stop", ["tool_use", "max_tokens", "refusal", "pause_turn", "news", None])
async def test_calls_that_nobody_answers_are_not_in_the_finished_reply(stop: str | None) -> None:
    tools = ScriptedTools()
    events = await events_of(ScriptedModel([said("Text", call(), stop=stop)]), tools, 0)
    message = finished(events).message
    assert message.tool_use is None
    assert all(block["type"] != "tool_use" for block in message.blocks or ())
    assert tools.ran == []
    told = "".join(event.text for event in events if isinstance(event, TextAdded))
    assert message.content.startswith("Text")
    assert told.startswith("TextText"), "the UI hides the text before the call"
    assert told.removeprefix("Text") == message.content


@pytest.mark.proves("turn.error-in-stream")
async def test_a_failure_goes_up_and_the_stream_is_closed() -> None:
    model = ScriptedModel([ModelError("No.", code="internal", retryable=True)])
    with pytest.raises(ModelError):
        await events_of(model, ScriptedTools())
    assert model.closed == 1


@pytest.mark.proves("turn.client-gone")
async def test_who_leaves_early_closes_the_models_stream() -> None:
    async def leave(event: TurnEvent) -> None:
        if isinstance(event, TextAdded):
            raise asyncio.CancelledError

    model = ScriptedModel([said("Hello")])
    with pytest.raises(asyncio.CancelledError):
        await run_turn(model, turn_of(), leave)
    assert model.closed == 1
