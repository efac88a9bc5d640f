"""Conversations in which a question has replaced earlier messages: what the new branch is sent and told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from shared.agent.prompt import FACTS_TAG
from shared.domain.events import ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shared.domain.models import JsonObject, Message
    from shared.domain.requests import Prefix

_MOST_CALLS = 20
_LONGEST_INPUT = 300


def without_lost_tools(prefix: Prefix, earlier: Iterable[Message]) -> Prefix:
    """Return the prefix without the tools that only replaced messages have added.

    The turn then adds them again, because the model does not know them from the messages that are still sent.
    """
    messages = list(earlier)
    kept = {name for message in messages if not message.is_superseded for name in _added_tools(message)}
    lost = {name for message in messages if message.is_superseded for name in _added_tools(message)} - kept
    tools = tuple(tool for tool in prefix.tools if not tool.is_deferred or tool.name not in lost)
    return prefix if len(tools) == len(prefix.tools) else replace(prefix, tools=tools)


def replacement_note(replaced: Sequence[Message], changes_something: Callable[[ToolCall], bool]) -> str | None:
    """Return what the model must know about replaced messages, which it does not receive; None if there is nothing.

    Calls in them may have changed data. `changes_something` says so of each call.
    """
    calls = [_call(each) for message in replaced for each in message.tool_use or ()]
    changing = [call for call in calls if changes_something(call)]
    if not changing:
        return None
    lines = [f"- {call.name} {orjson.dumps(call.input).decode()[:_LONGEST_INPUT]}" for call in changing[:_MOST_CALLS]]
    more = [f"- and {len(changing) - _MOST_CALLS} more"] if len(changing) > _MOST_CALLS else []
    text = "\n".join([*lines, *more]).replace("<", "\\u003c")
    return (
        f"<{FACTS_TAG}>\nAdded by the service, not written by the user. This question replaces an earlier one, whose"
        " answer is no longer part of the conversation. These calls of that answer ran and may have changed data. Do"
        f" not repeat them without need:\n{text}\n</{FACTS_TAG}>"
    )


def _call(block: JsonObject) -> ToolCall:
    arguments = block.get("input")
    return ToolCall(str(block.get("id")), str(block.get("name")), arguments if isinstance(arguments, dict) else {})


def _added_tools(message: Message) -> Iterable[str]:
    for block in message.additions.system if message.additions else ():
        tool = block.get("tool")
        if block.get("type") == "tool_addition" and isinstance(tool, dict):
            yield str(tool.get("name"))
