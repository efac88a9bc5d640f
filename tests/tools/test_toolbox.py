"""Results on their way to the model: pruned, without the caller's token, and cut."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from shared.domain.events import ToolCall, ToolsFinished
from shared.domain.models import Caller, Principal
from shared.domain.ports import ToolDefinition, ToolOutput
from shared.tools.client_side import ClientSideToolset
from shared.tools.toolbox import Toolbox
from shared.tools.toolset import BaseToolset
from shared.util.threads import LARGE

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

TOKEN = "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl"
CALLER = Caller(Principal("a@example.com", "A"), TOKEN)


class OneResult(BaseToolset):
    """A tool that returns what it was made with."""

    def __init__(self, content: str | list[JsonObject]) -> None:
        self.content = content

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:  # noqa: ARG002  # the port's signature
        return (ToolDefinition("read", "Read.", {"type": "object"}),)

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        return ToolOutput(self.content)


async def result_of(content: str | list[JsonObject], max_chars: int = 0) -> str | list[JsonObject]:
    tools = Toolbox([OneResult(content)], max_result_chars=max_chars).for_caller(CALLER)
    async for event in tools.run([ToolCall("c1", "read", {})]):
        if isinstance(event, ToolsFinished):
            return event.results[0].content
    raise AssertionError("the call did not finish")


@pytest.mark.parametrize("text", ["[INFO] service started", "{{ name }}  ok", "[a](b) [c](d)", '{"a": 1}\n{"b": 2}'])
async def test_a_text_reaches_the_model_unchanged(text: str) -> None:
    assert await result_of(text) == text
    assert await result_of(f"{text}\0\ud800") == text


async def test_json_reaches_the_model_without_whitespace_and_nulls() -> None:
    assert await result_of('{"a": 1.50, "b": null}') == '{"a":1.50}'


async def test_the_callers_token_reaches_no_model() -> None:
    escaped = "".join(f"\\u{ord(character):04x}" for character in TOKEN)
    assert await result_of(f"You sent Bearer {TOKEN}.") == "You sent Bearer …."
    assert await result_of(f'{{"sent": "Bearer {escaped}"}}') == '{"sent":"Bearer …"}'
    blocks: list[JsonObject] = [{"type": "text", "text": f"Bearer {TOKEN}"}, {"type": "image", "source": {}}]
    assert await result_of(blocks) == [{"type": "text", "text": "Bearer …"}, {"type": "image", "source": {}}]


async def test_a_large_result_is_rewritten_outside_of_the_event_loop() -> None:
    text = json.dumps([{"id": number} for number in range(LARGE // 5)])
    waits = 0

    async def tick() -> None:
        nonlocal waits
        while True:
            await asyncio.sleep(0)
            waits += 1

    ticking = asyncio.create_task(tick())
    result = await result_of(text, 1_000)
    ticking.cancel()
    assert str(result).startswith('[{"id":0},{"id":1}')
    assert waits > 10, "the loop ran while the result was rewritten"


async def test_a_cut_json_text_is_handled_as_text() -> None:
    text = json.dumps([{"name": 'a "quoted" text', "path": "c:\\d"}] * 2_000)[:-60]
    assert await result_of(text) == text


def test_the_facts_of_an_indirect_call_are_those_of_the_called_tool() -> None:
    toolbox = Toolbox([OneResult(""), ClientSideToolset()])
    indirect = toolbox.for_caller(CALLER, "indirect")
    found = indirect.facts_of(ToolCall("c1", "call_tool", {"name": "navigate_to", "arguments": {"path": "/"}}))
    assert found is not None
    assert (found.name, found.source, found.effect) == ("navigate_to", "browser", "read")
    assert indirect.facts_of(ToolCall("c1", "call_tool", {"name": "unknown"})) is None
    assert indirect.facts_of(ToolCall("c1", "call_tool", {})) is None
    own = toolbox.for_caller(CALLER).facts_of(ToolCall("c1", "read", {}))
    assert own is not None
    assert own.source == "assistant"
