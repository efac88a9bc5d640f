"""Stored messages → the Messages API's messages, mended where an older writer left what the API would refuse.

The API wants: a user's message first, no empty content, every tool_use answered in the very next message and every
tool_result asked for in the one before, no call id twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.agent.events import ToolResult
from shared.agent.mending import mended_call, mended_result, says_something

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from shared.models import JsonObject, Message

_INTERRUPTED = "The call was interrupted; its result is not known."
_BLANK = "(an empty message)"


def replay(messages: Iterable[Message], searchable: Container[str] = ()) -> list[JsonObject]:
    """Give what the model is to see of stored messages; the result is always acceptable to the API.

    `searchable` are the tools that the API's own search may have found; what it found of others is left out.
    """
    turns: list[tuple[str, list[JsonObject]]] = []
    for message in messages:
        said = [
            mended_call(block)
            for block in _without_lost_searches(_blocks(message), searchable)
            if says_something(block)
        ]
        results = [mended_result(block) for block in message.tool_results or ()]
        # An answer's own results belong into the message after it.
        is_answer = message.role == "assistant"
        for role, blocks in (("assistant", said), ("user", results)) if is_answer else (("user", [*results, *said]),):
            if turns and turns[-1][0] == role:
                turns[-1][1].extend(blocks)
            elif blocks:
                turns.append((role, [*blocks]))
    return _framed([{"role": role, "content": [*blocks]} for role, blocks in _paired(turns) if blocks])


def question_of(text: str) -> JsonObject:
    """Give a user's text as the API's message."""
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def message_of(role: str, blocks: Sequence[JsonObject]) -> JsonObject:
    """Give content blocks as the API's message."""
    return {"role": role, "content": [block for block in blocks if says_something(block)]}


def _blocks(message: Message) -> list[JsonObject]:
    if message.role == "assistant":
        return list(message.blocks) if message.blocks else assistant_blocks(message.content, message.tool_use or ())
    return [{"type": "text", "text": message.content}]


def assistant_blocks(text: str, tool_use: Sequence[JsonObject]) -> list[JsonObject]:
    """Give an assistant's message that has no more than its public fields: its text, then its calls."""
    return [
        {"type": "text", "text": text},
        *(
            {"type": "tool_use", "id": call.get("id"), "name": call.get("name"), "input": call.get("input")}
            for call in tool_use
        ),
    ]


def _without_lost_searches(blocks: list[JsonObject], searchable: Container[str]) -> list[JsonObject]:
    """Leave out what the API's tools did if it has no result, or refers to tools that are not there any more."""
    results = {block.get("tool_use_id"): block for block in blocks if str(block.get("type")).endswith("_tool_result")}
    good = {call_id for call_id, result in results.items() if all(name in searchable for name in _references(result))}
    asked = {block.get("id") for block in blocks if block.get("type") == "server_tool_use"}
    kept = []
    for block in blocks:
        is_use = block.get("type") == "server_tool_use"
        call_id = block.get("id") if is_use else block.get("tool_use_id")
        is_of_api = is_use or block is results.get(call_id)
        if not is_of_api or (call_id in good and call_id in asked):
            kept.append(block)
    return kept


def _references(result: JsonObject) -> Iterator[str]:
    content = result.get("content")
    references = content.get("tool_references") if isinstance(content, dict) else None
    for reference in references if isinstance(references, list) else []:
        if isinstance(reference, dict):
            yield str(reference.get("tool_name"))


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


def _framed(told: list[JsonObject]) -> list[JsonObject]:
    """Give messages that begin and end with the user's."""
    begins = bool(told) and told[0]["role"] == "user"
    ends = not told or told[-1]["role"] == "user"
    return [*([] if begins else [question_of(_BLANK)]), *told, *([] if ends else [question_of(_BLANK)])]
