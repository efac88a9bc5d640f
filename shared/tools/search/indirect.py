"""The way to searched tools for models whose API knows neither deferred tools nor references to them.

The search describes the tools that it finds, and one tool of ours calls them by name. So the list of tools stays the
same for the whole conversation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.domain.events import ToolCall
from shared.domain.ports import ToolDefinition, ToolOutput
from shared.tools.builtin import CALL_TOOL

if TYPE_CHECKING:
    from collections.abc import Sequence

CALL_TOOL_DEFINITION = ToolDefinition(
    name=CALL_TOOL,
    description=(
        "Call a tool that search_tools has found and described. Give its name, and its arguments as the input schema in"
        " its description says."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "The name of the tool, as search_tools gives it."},
            "arguments": {"type": "object", "description": "The arguments of the tool."},
        },
        "required": ["name"],
    },
)


def direct_call(call: ToolCall) -> ToolCall:
    """Return the call that a call of `call_tool` stands for, under its own id; others stay as they are."""
    if call.name != CALL_TOOL or call.problem is not None:
        return call
    name, arguments = call.input.get("name"), call.input.get("arguments", {})
    if not isinstance(name, str) or not name or name == CALL_TOOL:
        return replace(call, problem="call_tool needs the name of a tool.")
    if not isinstance(arguments, dict):
        return replace(call, problem="The arguments of call_tool must be an object.")
    return ToolCall(call.id, name, arguments)


def described(output: ToolOutput, definitions: Sequence[ToolDefinition]) -> ToolOutput:
    """Add the definitions of the tools that an output found."""
    by_name = {each.name: each for each in definitions}
    found = [by_name[name].encoded.decode() for name in output.found if name in by_name]
    if not found or not isinstance(output.content, str):
        return output
    return replace(output, content="\n".join([output.content, "", "Call them with call_tool. Definitions:", *found]))
