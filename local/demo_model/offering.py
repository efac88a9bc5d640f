"""The tools that a request's model may call: those shown from the start, and those that messages have brought."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson
from pydantic import ValidationError

from local.demo_model.conversation import CALL_TOOL, Call
from local.demo_model.wire import OtherBlock, Tool, ToolResultBlock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.demo_model.wire import MessagesRequest

_DEFINITION = re.compile(r'^\{"name":.*\}$', re.MULTILINE)
"""A tool's definition in the result of a search."""


def offered_tools(request: MessagesRequest) -> list[Tool]:
    """Return the tools that may be called now, those that are only called by name too."""
    tools = [tool for tool in request.tools if tool.input_schema is not None]
    shown = {tool.name for tool in tools if not tool.defer_loading}
    for name, is_there in _changes(request):
        (shown.add if is_there else shown.discard)(name)
    offered = [tool for tool in tools if tool.name in shown and tool.name != CALL_TOOL]
    return [*offered, *_described(request, {tool.name for tool in tools})]


def is_called_by_name(request: MessagesRequest, name: str) -> bool:
    """Return whether a tool is no tool of the request, so that another one calls it."""
    names = {tool.name for tool in request.tools}
    return CALL_TOOL in names and name not in names


def by_name(call: Call) -> Call:
    """Return the call of the tool that calls others."""
    return Call(CALL_TOOL, {"name": call.name, "arguments": dict(call.input)})


def _changes(request: MessagesRequest) -> Iterator[tuple[str, bool]]:
    """Yield the names of the tools that messages bring and withdraw, in their order."""
    for message in request.messages:
        for block in message.content:
            if isinstance(block, ToolResultBlock):
                yield from ((name, True) for part in block.content or [] for name in _referenced(part))
            elif isinstance(block, OtherBlock) and block.type in {"tool_addition", "tool_removal"}:
                tool = (block.model_extra or {}).get("tool")
                if isinstance(tool, dict):
                    yield str(tool.get("name")), block.type == "tool_addition"


def _referenced(part: object) -> Iterator[str]:
    if isinstance(part, OtherBlock) and part.type == "tool_reference":
        yield str((part.model_extra or {}).get("tool_name"))


def _described(request: MessagesRequest, known: set[str]) -> Sequence[Tool]:
    """Return the tools whose definitions stand in the results of searches, where they can be called by name."""
    if CALL_TOOL not in known:
        return []
    found: dict[str, Tool] = {}
    for message in request.messages:
        for block in message.content:
            if isinstance(block, ToolResultBlock):
                for definition in _DEFINITION.findall(block.text):
                    tool = _parsed(definition)
                    if tool is not None and tool.name not in known:
                        found[tool.name] = tool
    return list(found.values())


def _parsed(definition: str) -> Tool | None:
    try:
        return Tool.model_validate(orjson.loads(definition))
    except (orjson.JSONDecodeError, ValidationError):
        return None
