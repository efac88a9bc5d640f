"""The demo model obeys `tool_choice`, and shows a thought where the request asks for one."""

from __future__ import annotations

from typing import Any

from tests.support.demo_assistant import Assistant, reply_to, text_of, user

THINKS = {"model": "claude-sonnet-5", "thinking": {"type": "adaptive", "display": "summarized"}}


async def test_without_calls_it_answers_from_the_results_it_has(reader: Assistant) -> None:
    await reader.ask("Which teams are there?")
    asked = reader.messages[:-1]
    forbidden = await reply_to(reader.model, messages=asked, tools=reader.tools, tool_choice={"type": "none"})
    assert forbidden.stop_reason in {"end_turn", "max_tokens"}
    assert "Identity" in text_of(forbidden)


async def test_a_result_before_the_last_one_is_shown_if_no_more_calls_are_allowed(reader: Assistant) -> None:
    await reader.ask("Which teams are there?")
    asked = reader.messages[:3]
    forbidden = await reply_to(reader.model, messages=asked, tools=reader.tools, tool_choice={"type": "none"})
    assert "this is what I have found so far" in text_of(forbidden)


async def test_no_tools_are_called_where_none_may_be(reader: Assistant) -> None:
    question = user("Which teams are there?")
    reply = await reply_to(reader.model, messages=question, tools=reader.tools, tool_choice={"type": "none"})
    assert reply.stop_reason == "end_turn"
    assert "I cannot call any now" in text_of(reply)


async def test_a_tool_that_must_be_called_is_called(reader: Assistant) -> None:
    choice = {"type": "tool", "name": "list_organizations"}
    reply = await reply_to(reader.model, model="claude-haiku-4-5", tools=reader.tools, tool_choice=choice)
    assert [block.name for block in reply.content if block.type == "tool_use"] == ["list_organizations"]


async def test_one_call_at_a_time_is_made_where_that_is_asked_for(reader: Assistant) -> None:
    await reader.ask("Compare Account API and Cart API")
    asked = reader.messages[: next(i for i, message in enumerate(reader.messages) if _calls(message) == 2)]
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    single = await reply_to(reader.model, messages=asked, tools=reader.tools, tool_choice=choice)
    assert sum(block.type == "tool_use" for block in single.content) == 1


async def test_a_thought_is_shown_before_a_call_where_it_is_asked_for(reader: Assistant) -> None:
    question = user("Which teams are there?")
    request: dict[str, Any] = {"max_tokens": 1000, "messages": question, "tools": reader.tools, **THINKS}
    async with reader.model.messages.stream(**request) as events:
        reply = await events.get_final_message()
    assert [block.type for block in reply.content] == ["thinking", "text", "tool_use"]
    assert reply.content[0].type == "thinking"
    assert "Which teams are there" in reply.content[0].thinking
    call = next(block for block in reply.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "[]"}
    messages = [*question, {"role": "assistant", "content": reply.content}, {"role": "user", "content": [result]}]
    again = await reply_to(reader.model, messages=messages, tools=reader.tools, **THINKS)
    assert "There is no organization that you can see" in text_of(again)


def _calls(message: dict[str, Any]) -> int:
    content = message["content"]
    return 0 if isinstance(content, str) else sum(block["type"] == "tool_use" for block in content)
