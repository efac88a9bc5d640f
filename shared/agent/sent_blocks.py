"""The content blocks of sent messages: of each message alone, and of a call together with its result.

The Messages API requires that no content is empty, that the next message has a `tool_result` for every `tool_use` and
no others, and that no call id occurs twice. Stored messages of older writers that break these rules are repaired.
https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.agent.edited_blocks import edited
from shared.domain.block_rules import is_acceptable, mended_call, mended_result
from shared.domain.content_blocks import THINKING, objects_in, text_block
from shared.domain.events import ToolResult

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from pydantic import JsonValue

    from shared.domain.models import HistoryEdits, JsonObject, Message

_INTERRUPTED = "The call was interrupted. Its result is unknown."


def own_blocks(sequence: int, message: Message, edits: HistoryEdits) -> list[JsonObject]:
    """Return what a message says, after the edits, without the results that it has."""
    return edited(sequence, [mended_call(block) for block in _blocks(message) if is_acceptable(block)], edits)


def result_blocks(sequence: int, message: Message, edits: HistoryEdits, tool_names: Container[str]) -> list[JsonObject]:
    """Return the results that a message has, after the edits."""
    results = [_known_references(mended_result(block), tool_names) for block in message.tool_results or ()]
    return edited(sequence, results, edits)


def _blocks(message: Message) -> list[JsonObject]:
    if message.role == "assistant":
        return list(message.blocks) if message.blocks else plain_blocks(message.content, message.tool_use or ())
    return [text_block(message.content)]


def plain_blocks(text: str, tool_use: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the blocks of an assistant's message without stored blocks: its text, then its calls."""
    calls: list[JsonObject] = [
        {"type": "tool_use", "id": call.get("id"), "name": call.get("name"), "input": call.get("input")}
        for call in tool_use
    ]
    return [text_block(text), *calls]


def complete_searches(
    blocks: list[JsonObject], tool_names: Container[str], *, may_be_pending: bool
) -> list[JsonObject]:
    """Leave out calls of the API's own tools that have no result or refer to tools that no longer exist.

    A call without a result stays at the end of the history, because the API resumes it there.
    """
    results = {block.get("tool_use_id"): block for block in blocks if _is_server_result(block)}
    good = {call_id for call_id, result in results.items() if all(name in tool_names for name in _references(result))}
    calls = {block.get("id") for block in blocks if block.get("type") == "server_tool_use"}
    pending = calls - results.keys() if may_be_pending else set()
    return [block for block in blocks if not _is_server_work(block) or _server_call_id(block) in good & calls | pending]


def _server_call_id(block: JsonObject) -> JsonValue:
    return block.get("id") if block.get("type") == "server_tool_use" else block.get("tool_use_id")


def _is_server_result(block: JsonObject) -> bool:
    kind = str(block.get("type"))
    return kind.endswith("_tool_result") and kind != "tool_result"


def _is_server_work(block: JsonObject) -> bool:
    """Return whether a block is the call or the result of one of the API's own tools."""
    return block.get("type") == "server_tool_use" or _is_server_result(block)


def _references(result: JsonObject) -> Iterator[str]:
    content = result.get("content")
    references = objects_in(content.get("tool_references")) if isinstance(content, dict) else []
    return (str(reference.get("tool_name")) for reference in references)


def _known_references(result: JsonObject, tool_names: Container[str]) -> JsonObject:
    """Replace references to tools that are not in the request, because the API refuses them."""
    content = objects_in(result.get("content"))
    if not any(block.get("type") == "tool_reference" for block in content):
        return result
    known = [
        text_block(f"[The tool {block.get('tool_name')} no longer exists.]")
        if block.get("type") == "tool_reference" and block.get("tool_name") not in tool_names
        else block
        for block in content
    ]
    return {**result, "content": [*known]}


def first_calls(blocks: Iterable[JsonObject], seen: Container[str]) -> tuple[list[JsonObject], list[str]]:
    """Leave out calls whose id has occurred before; return the other blocks, and the ids of their calls."""
    remaining, call_ids = [], []
    for block in blocks:
        if block.get("type") == "tool_use":
            call_id = str(block.get("id"))
            if call_id in seen or call_id in call_ids:
                continue
            call_ids.append(call_id)
        remaining.append(block)
    return remaining, call_ids


def with_results(call_ids: Sequence[str], blocks: Sequence[JsonObject]) -> list[JsonObject]:
    """Return a user's blocks with exactly one result for each of these calls, before all other blocks."""
    others = [block for block in blocks if block.get("type") != "tool_result"]
    results = {str(block.get("tool_use_id")): block for block in blocks if block.get("type") == "tool_result"}
    answered = [results.get(each) or ToolResult(each, _INTERRUPTED, is_error=True).block() for each in call_ids]
    return [*answered, *others]


def is_resumable(blocks: Sequence[JsonObject]) -> bool:
    """Return whether the API can continue after these blocks of an answer with paused work of its own tools.

    An answer that ends with thinking cannot be continued.
    """
    return any(map(_is_server_work, blocks)) and blocks[-1].get("type") not in THINKING
