"""Conversations in which a question has replaced earlier messages: what the new branch is sent and told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from shared.agent.prompt import FACTS_TAG
from shared.domain.content_blocks import objects_in, text_of
from shared.domain.events import ToolCall
from shared.domain.replaced_questions import is_question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shared.domain.models import JsonObject, Message, StoredMessage
    from shared.domain.requests import Prefix

_MOST_CALLS = 20
_LONGEST_INPUT = 300
_LONGEST_RESULT = 200


def without_lost_tools(prefix: Prefix, earlier: Iterable[Message]) -> Prefix:
    """Return the prefix without the tools that only replaced messages have added.

    The turn then adds them again, because the model does not know them from the messages that are still sent.
    """
    messages = list(earlier)
    kept = {name for message in messages if not message.is_superseded for name in _added_tools(message)}
    lost = {name for message in messages if message.is_superseded for name in _added_tools(message)} - kept
    tools = tuple(tool for tool in prefix.tools if not tool.is_deferred or tool.name not in lost)
    return prefix if len(tools) == len(prefix.tools) else replace(prefix, tools=tools)


def untold(earlier: Sequence[StoredMessage]) -> Sequence[Message]:
    """Return the replaced messages that no current question tells of: they follow the last one that has its facts.

    A question tells of all that it replaced, and of what that had replaced. Its facts are missing if its process was
    killed, and they are gone if it was replaced itself.
    """
    told = max((each.sequence for each in earlier if _has_facts(each)), default=-1)
    return [each for each in earlier if each.is_superseded and each.sequence > told]


def replacement_note(replaced: Sequence[Message], changes_something: Callable[[ToolCall], bool]) -> str | None:
    """Return what the model must know about replaced messages, which it does not receive; None if there is nothing.

    Calls in them may have changed data. `changes_something` says so of each call. A call without a result did not run.
    """
    calls = [_call(each) for message in replaced for each in message.tool_use or ()]
    results = {str(each.get("tool_use_id")): each for message in replaced for each in message.tool_results or ()}
    changing = [call for call in calls if call.id in results and changes_something(call)]
    if not changing:
        return None
    lines = [_line(call, results[call.id]) for call in changing[:_MOST_CALLS]]
    more = [f"- and {len(changing) - _MOST_CALLS} more"] if len(changing) > _MOST_CALLS else []
    text = "\n".join([*lines, *more]).replace("<", "\\u003c")
    return (
        f"<{FACTS_TAG}>\nAdded by the service, not written by the user. This question replaces an earlier one, whose"
        " answer is no longer part of the conversation. That answer made these calls, which may have changed data. Do"
        f" not repeat them without need. Each call is followed by the beginning of its result:\n{text}\n</{FACTS_TAG}>"
    )


def _line(call: ToolCall, result: JsonObject) -> str:
    content = result.get("content")
    said = content if isinstance(content, str) else text_of(objects_in(content), "\n")
    outcome = "failed" if result.get("is_error") else "succeeded"
    arguments = orjson.dumps(call.input).decode()[:_LONGEST_INPUT]
    return f"- {call.name} {arguments} {outcome}: {orjson.dumps(said[:_LONGEST_RESULT]).decode()}"


def _has_facts(message: StoredMessage) -> bool:
    return is_question(message) and not message.is_superseded and message.additions is not None


def _call(block: JsonObject) -> ToolCall:
    arguments = block.get("input")
    return ToolCall(str(block.get("id")), str(block.get("name")), arguments if isinstance(arguments, dict) else {})


def _added_tools(message: Message) -> Iterable[str]:
    for block in message.additions.system if message.additions else ():
        tool = block.get("tool")
        if block.get("type") == "tool_addition" and isinstance(tool, dict):
            yield str(tool.get("name"))
