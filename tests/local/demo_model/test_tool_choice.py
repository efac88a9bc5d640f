"""The demo model obeys `tool_choice`, and says when it cannot do something."""

from __future__ import annotations

import pytest

from local.demo_model.decision import Decider
from local.demo_model.wire import MessagesRequest, parse_messages
from tests.support.demo_assistant import HELLO, Assistant, reply_to, text_of, user
from tests.support.work import count_calls


@pytest.mark.parametrize(
    "question", ["What is the weather like in Rome?", "Tell me a joke", "Are you a language model?"]
)
async def test_it_says_when_it_cannot_do_something(reader: Assistant, question: str) -> None:
    answer = await reader.ask(question)
    assert reader.calls == []
    assert "without a language model" in answer
    assert "ANTHROPIC_API_KEY" in answer
    assert "Who owns *a project*?" in answer


async def test_without_calls_it_answers_from_the_results_it_has(reader: Assistant) -> None:
    await reader.ask("Which teams are there?")
    asked = reader.messages[:-1]
    forbidden = await reply_to(reader.model, messages=asked, tools=reader.tools, tool_choice={"type": "none"})
    assert forbidden.stop_reason in {"end_turn", "max_tokens"}
    assert "Identity" in text_of(forbidden)


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
    tools = [tool for tool in reader.tools if tool["name"] != "list_organizations"]
    question = user("Last 5 operations of the checkout api, organization: fernwood")
    several = await reply_to(reader.model, messages=question, tools=tools)
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    single = await reply_to(reader.model, messages=question, tools=tools, tool_choice=choice)
    assert sum(block.type == "tool_use" for block in several.content) > 1
    assert sum(block.type == "tool_use" for block in single.content) == 1


def test_the_work_of_choosing_grows_no_faster_than_the_tools() -> None:
    def request(kinds: str) -> MessagesRequest:
        schema = {"type": "object", "properties": {"org_slug": {"type": "string"}}, "required": ["org_slug"]}
        tools = [
            {"name": f"{verb}_{first}_{kind}s", "description": "A description. " * 30, "input_schema": schema}
            for first in ("project", "team", "audit", "cloud", "ticket")
            for kind in kinds
            for verb in ("list", "get", "create", "patch", "delete", "archive")
        ]
        messages = user("Which audit cs are there in production?")
        return parse_messages({**HELLO, "messages": messages, "tools": tools})

    def calls(request: MessagesRequest) -> int:
        decider = Decider()
        decider.decide(request)
        return count_calls(lambda: decider.decide(request))

    assert calls(request("abcdefghijklmnopqrst")) < 2.5 * calls(request("abcdefghij"))
