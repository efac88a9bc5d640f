"""The rules about messages with the role `system`. Page: "Mid-conversation system messages and tool changes"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.messages_api.betas import INLINE_TOOLS, TOOL_CHANGES
from local.messages_api.models import rules_of
from local.messages_api.request import is_server_result, turns, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from local.messages_api.request import Block, Body, Turn

BLOCKS: Final = words("text tool_removal tool_addition")
CHANGES: Final = words("tool_removal tool_addition")


def system_message_models(body: Body) -> Iterator[str]:
    """Only some models have messages with the role `system`."""
    if not rules_of(body["model"]).system_messages:
        for index, message in enumerate(body["messages"]):
            if message["role"] == "system":
                yield f"messages.{index}.role: Input should be 'user' or 'assistant'"


def system_message_blocks(body: Body) -> Iterator[str]:
    """A system message holds texts, removals and additions of tools."""
    for turn in _system_turns(body):
        for block in turn.blocks:
            if block.kind not in BLOCKS:
                yield f"{block.path}: Input tag '{block.kind}' does not match any of the expected tags"


def system_message_places(body: Body) -> Iterator[str]:
    """A system message follows a user message or a finished server tool, and is last or before the assistant."""
    joined = turns(body)
    for place, turn in enumerate(joined):
        if turn.role != "system" or not turn.blocks:
            continue
        before = joined[place - 1] if place else None
        after = joined[place + 1] if place + 1 < len(joined) else None
        if before is None:
            yield f"messages.{turn.last}: `system` messages cannot be first"
        elif before.role == "assistant" and not _ends_in_server_result(before):
            yield f"messages.{turn.last}: `system` messages must follow a `user` message or a server tool result"
        if after is not None and after.role == "user":
            yield f"messages.{turn.last}: `system` messages must be last or be followed by an `assistant` message"


def tool_change_betas(body: Body, betas: Collection[str]) -> Iterator[str]:
    """Changes of tools need a beta header, definitions in them the newer one."""
    for block in _changes(body):
        if not {TOOL_CHANGES, INLINE_TOOLS} & {*betas}:
            yield f"{block.path}.{block.kind}: Extra inputs are not permitted"
        elif _tool(block).get("type") == "tool_definition" and INLINE_TOOLS not in betas:
            yield f"{block.path}.{block.kind}.tool: tool_definition requires the beta {INLINE_TOOLS}"


def tool_change_names(body: Body) -> Iterator[str]:
    """A change of tools names a tool of the request, or one that an earlier message has defined."""
    known = {tool.get("name") for tool in body.get("tools") or []}
    for block in _changes(body):
        tool = _tool(block)
        if tool.get("type") == "tool_reference":
            if tool.keys() != {"type", "name"}:
                yield f"{block.path}.{block.kind}.tool.tool_reference: Extra inputs are not permitted"
            if tool.get("name") not in known:
                yield f"{block.path}.{block.kind}: tool_reference_unresolved: no tool is named '{tool.get('name')}'"
        elif tool.get("type") == "tool_definition" and block.kind == "tool_addition":
            known.add((tool.get("definition") or {}).get("name"))
        else:
            yield f"{block.path}.{block.kind}.tool: Unable to extract tag using discriminator 'type'"


def _system_turns(body: Body) -> list[Turn]:
    return [turn for turn in turns(body) if turn.role == "system"]


def _changes(body: Body) -> list[Block]:
    return [block for turn in _system_turns(body) for block in turn.blocks if block.kind in CHANGES]


def _tool(block: Block) -> Body:
    tool = block.value.get("tool")
    return tool if isinstance(tool, dict) else {}


def _ends_in_server_result(turn: Turn) -> bool:
    return bool(turn.blocks) and is_server_result(turn.blocks[-1].kind)
