"""The tools that a request's model may call: those shown from the start, and those that messages have brought."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import orjson
from pydantic import ValidationError

from local.messages_api.parsed_request import Tool, text_in
from local.messages_api.reply import Call
from shared.tools.builtin import CALL_TOOL, SEARCH_TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local.demo_model.conversation import Turn
    from local.messages_api.parsed_request import Block, MessagesRequest

_DEFINITION = re.compile(r'^\{"name":.*\}$', re.MULTILINE)
"""A tool's definition in the result of a search."""


class ToolMissing(Exception):
    """A plan needs a tool that is not offered. The message says what it does."""


@dataclass(frozen=True)
class Tools:
    """The tools that may be called now, and the searches that the conversation has made for others."""

    request: MessagesRequest
    turns: Sequence[Turn]

    @cached_property
    def offered(self) -> Mapping[str, Tool]:
        """The tools by name, those that are only called by name too."""
        tools = {tool.name: tool for tool in self.request.tools if tool.input_schema is not None}
        shown = {name: not tool.defer_loading for name, tool in tools.items()}
        described: dict[str, Tool] = {}
        for message in self.request.messages:
            for block in message.content:
                shown |= dict(_changes(block))
                if CALL_TOOL in tools and block.type == "tool_result":
                    described |= {tool.name: tool for tool in _definitions(text_in(block.content))}
        now = {name: tool for name, tool in tools.items() if shown[name] and name != CALL_TOOL}
        return now | {name: tool for name, tool in described.items() if name not in tools}

    def name(self, wanted: str) -> str:
        """Return the name under which a tool is offered: its own, or for `mcp:x` that of a server's tool `x`.

        Raises:
            ToolMissing: it is not offered.
        """
        if wanted in self.offered:
            return wanted
        ending = wanted.removeprefix("mcp:")
        for name in self.offered if ending != wanted else ():
            if name.startswith("mcp_") and name.endswith(f"_{ending}"):
                return name
        raise ToolMissing(ending.replace("_", " "))

    def properties(self, name: str) -> Mapping[str, bool]:
        """Return the parameters of an offered tool, and whether they are required."""
        schema = self.offered[name].input_schema or {}
        properties, required = schema.get("properties"), schema.get("required")
        wanted = required if isinstance(required, list) else []
        return {key: key in wanted for key in properties} if isinstance(properties, dict) else {}

    def search(self, query: str) -> Call | None:
        """Return the call that searches for a tool; None if there is no search, or it has been made."""
        call = Call(SEARCH_TOOLS, {"query": query})
        made = any(outcome.call.key == call.key for turn in self.turns for outcome in turn.outcomes)
        return None if made or SEARCH_TOOLS not in self.offered else call

    def callable(self, call: Call) -> Call:
        """Return the call, by name if the tool is none of the request's."""
        names = {tool.name for tool in self.request.tools}
        if CALL_TOOL not in names or call.name in names:
            return call
        return Call(CALL_TOOL, {"name": call.name, "arguments": dict(call.input)})

    @property
    def servers(self) -> list[str]:
        """The prefixes of the external servers whose tools are offered."""
        found = [re.match(r"mcp_([^_]+)_", name) for name in self.offered]
        return sorted({prefix[1] for prefix in found if prefix})


def _changes(block: Block) -> Iterator[tuple[str, bool]]:
    """Yield the tools that a block brings (true) and withdraws (false)."""
    if block.type in {"tool_addition", "tool_removal"}:
        yield str(block.tool.get("name")), block.type == "tool_addition"
    elif block.type == "tool_result":
        yield from ((part.tool_name, True) for part in block.content if part.type == "tool_reference")


def _definitions(text: str) -> Iterator[Tool]:
    for definition in _DEFINITION.findall(text):
        try:
            yield Tool.model_validate(orjson.loads(definition))
        except (orjson.JSONDecodeError, ValidationError):
            continue
