"""A turn: what it sends only grows, and a history that is refused is repaired and sent again."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from shared.agent.history import History
from shared.domain.errors import ModelError
from shared.domain.events import TextAdded, TurnFinished, TurnPrepared
from shared.domain.models import Message
from shared.domain.requests import Capabilities
from shared.util import clock
from tests.support.agent_fakes import CAPABLE, QUESTION_ID, ScriptedModel, ScriptedTools, call, said, told, turn_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.domain.errors import RefusedPart
    from shared.domain.events import ModelEvent
    from shared.domain.models import JsonObject
    from shared.domain.ports import ToolDefinition
    from shared.domain.requests import ModelRequest

THOUGHT: JsonObject = {"type": "thinking", "thinking": "Hm", "signature": "theirs"}


class RefusingModel(ScriptedModel):
    """A model that refuses requests before their first event, as long as `refuses` says so."""

    def __init__(self, refused: RefusedPart | None, code: str, times: int) -> None:
        super().__init__([said("Here it is.")])
        self._error = ModelError("No.", code=code, retryable=False, refused=refused)
        self._times = times

    async def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        if self._times:
            self._times -= 1
            self.requests.append(request)
            raise self._error
        async with aclosing(super().reply(request)) as events:
            async for event in events:
                yield event


def message(role: str, content: str = "", **fields: object) -> Message:
    return Message(id=QUESTION_ID, role=role, content=content, created_at=clock.now(), **fields)  # type: ignore[arg-type]


def called(call_id: str, content: str) -> list[Message]:
    """A call of a tool with its result, thought about before."""
    use: JsonObject = {"type": "tool_use", "id": call_id, "name": "echo", "input": {}}
    result: JsonObject = {"type": "tool_result", "tool_use_id": call_id, "content": content}
    listed = ({"id": call_id, "name": "echo", "input": {}},)
    return [message("assistant", tool_use=listed, blocks=(THOUGHT, use)), message("user", tool_results=(result,))]


def long_history() -> History:
    messages = [
        message("user", "Hi"),
        message(
            "assistant",
            "",
            tool_use=({"id": "toolu_1", "name": "echo", "input": {}},),
            blocks=(THOUGHT, {"type": "tool_use", "id": "toolu_1", "name": "echo", "input": {}}),
        ),
        message("user", tool_results=({"type": "tool_result", "tool_use_id": "toolu_1", "content": "x" * 1000},)),
        message("assistant", "Done.", blocks=(THOUGHT, {"type": "text", "text": "Done."})),
        message("user", "And now?"),
    ]
    return History(enumerate(messages))


@pytest.mark.proves("append-only.messages")
async def test_every_request_of_a_turn_begins_with_the_one_before() -> None:
    model = ScriptedModel([said("One.", call()), said("Two.", call()), said("Three.")])
    await told(model, turn_of(max_rounds=2))
    for before, after in zip(model.requests, model.requests[1:], strict=False):
        assert after.messages[: len(before.messages)] == before.messages
        assert after.prefix.system == before.prefix.system
        assert after.prefix.tools[: len(before.prefix.tools)] == before.prefix.tools
    assert "No more tools" in str(model.requests[-1].messages[-1])


@pytest.mark.proves("append-only.lost-right")
async def test_a_tool_that_goes_within_a_turn_is_withdrawn() -> None:
    class Losing(ScriptedTools):
        def definitions(self) -> tuple[ToolDefinition, ...]:
            return () if self.ran else tuple(self.offered)

    model = ScriptedModel([said("", call()), said("Done.")])
    await told(model, turn_of(Losing()))
    first, second = model.requests
    assert second.prefix.tools == first.prefix.tools
    assert second.messages[-1]["role"] == "system"
    assert "tool_removal" in str(second.messages[-1])


@pytest.mark.proves("append-only.healed")
@pytest.mark.parametrize(("refused", "times"), [("thinking", 1), ("thinking", 2), ("image", 2), ("block", 1)])
async def test_a_refused_part_is_left_out_for_good(refused: RefusedPart, times: int) -> None:
    model = RefusingModel(refused, "invalid_request", times)
    events = await told(model, turn_of(history=long_history()))
    assert isinstance(events[-1], TurnFinished)
    assert "thinking" in str(model.requests[0].messages)
    assert "'thinking'" not in str(model.requests[-1].messages)
    edits = [event.edits for event in events if isinstance(event, TurnPrepared)][-1]
    assert edits.thinking == 4, "it is stored with the conversation"


@pytest.mark.proves("append-only.healed")
async def test_a_request_that_stays_refused_ends_in_an_error() -> None:
    with pytest.raises(ModelError):
        await told(RefusingModel("block", "invalid_request", 9), turn_of(history=long_history()))
    with pytest.raises(ModelError):
        await told(RefusingModel(None, "invalid_request", 1), turn_of(history=long_history()))


@pytest.mark.proves("faults.overflow")
async def test_a_history_that_is_too_long_is_shortened_and_the_user_is_told_once() -> None:
    model = RefusingModel(None, "context_overflow", 2)
    events = await told(model, turn_of(history=long_history()))
    texts = [event.text for event in events if isinstance(event, TextAdded)]
    assert sum("very long" in text for text in texts) == 1
    sizes = [len(str(request.messages)) for request in model.requests]
    assert sizes[0] > sizes[1] > sizes[2]
    assert "read_result" in str(model.requests[1].messages)
    assert "And now?" in str(model.requests[-1].messages)


@pytest.mark.proves("costs.cleared-results")
async def test_results_are_cleared_by_us_only_where_the_api_cannot() -> None:
    able = ScriptedModel([said("Fine.")])
    await told(able, turn_of(history=large_history(), capabilities=CAPABLE))
    assert "left out" not in str(able.requests[0].messages)
    plain = ScriptedModel([said("Fine.")])
    await told(plain, turn_of(history=large_history(), capabilities=Capabilities()))
    sent = str(plain.requests[0].messages)
    assert "left out" in sent
    assert sent.count("y" * 1000) > 0, "the last question's results stay"


def large_history() -> History:
    follow_up = [message("assistant", "Done."), message("user", "And now?")]
    first, second = called("toolu_1", "x" * 300_000), called("toolu_2", "y" * 150_000)
    return History(enumerate([message("user", "Hi"), *first, *follow_up, *second, *follow_up]))
