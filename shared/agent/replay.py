"""Stored messages → the Messages API's messages, mended where an older writer left what the API would refuse.

The API wants: a user's message first, no empty content, every tool_use answered in the very next message and every
tool_result asked for in the one before, no call id twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.agent.events import ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.models import JsonObject, Message

_INTERRUPTED = "The call was interrupted; its result is not known."
_REFUSED_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 128


def replay(messages: Iterable[Message]) -> list[JsonObject]:
    """Give what the model is to see of stored messages; the result is always acceptable to the API."""
    turns: list[tuple[str, list[JsonObject]]] = []
    for message in messages:
        blocks = [_cleaned(block) for block in _blocks(message) if _says_something(block)]
        if turns and turns[-1][0] == message.role:
            turns[-1][1].extend(blocks)
        elif blocks and (turns or message.role == "user"):
            turns.append((message.role, blocks))
    return [{"role": role, "content": [*blocks]} for role, blocks in _paired(turns) if blocks]


def question_of(text: str) -> JsonObject:
    """Give a user's text as the API's message."""
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def message_of(role: str, blocks: Sequence[JsonObject]) -> JsonObject:
    """Give content blocks as the API's message."""
    return {"role": role, "content": [block for block in blocks if _says_something(block)]}


def _blocks(message: Message) -> list[JsonObject]:
    if message.role == "assistant":
        return list(message.blocks) if message.blocks else assistant_blocks(message.content, message.tool_use or ())
    text: list[JsonObject] = [{"type": "text", "text": message.content}]
    return [*(message.tool_results or ()), *text]


def assistant_blocks(text: str, tool_use: Sequence[JsonObject]) -> list[JsonObject]:
    """Give an assistant's message that has no more than its public fields: its text, then its calls."""
    return [
        {"type": "text", "text": text},
        *({"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["input"]} for call in tool_use),
    ]


def _says_something(block: JsonObject) -> bool:
    match block.get("type"):
        case "text":
            return isinstance(block.get("text"), str) and bool(str(block["text"]).strip())
        case "thinking":
            return bool(block.get("signature"))
        case _:
            return True


def _cleaned(block: JsonObject) -> JsonObject:
    if block.get("type") != "tool_use":
        return block
    name = _REFUSED_IN_NAMES.sub("_", str(block.get("name") or "unknown"))[:_LONGEST_NAME]
    given = block.get("input")
    return {**block, "name": name, "input": given if isinstance(given, dict) else {}}


def _paired(turns: Sequence[tuple[str, list[JsonObject]]]) -> Iterable[tuple[str, list[JsonObject]]]:
    """Give the turns with each call's result in the next one, and no result or call id that does not belong."""
    asked: list[str] = []
    seen: set[str] = set()
    for role, blocks in turns:
        if role == "assistant":
            asked = []
            kept = []
            for block in blocks:
                if block.get("type") == "tool_use":
                    call_id = str(block.get("id"))
                    if call_id in seen:
                        continue
                    seen.add(call_id)
                    asked.append(call_id)
                kept.append(block)
            yield role, kept
        else:
            yield role, [*_results(asked, blocks), *(block for block in blocks if block.get("type") != "tool_result")]
            asked = []
    if asked:
        yield "user", _results(asked, [])


def _results(asked: Sequence[str], blocks: Sequence[JsonObject]) -> list[JsonObject]:
    given = {str(block.get("tool_use_id")): block for block in blocks if block.get("type") == "tool_result"}
    return [given.get(each) or ToolResult(each, _INTERRUPTED, is_error=True).block() for each in asked]
