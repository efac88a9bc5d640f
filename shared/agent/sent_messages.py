"""The conversion of stored messages into the messages of a request.

One function makes the messages of every request, in the running turn and in later turns, so that later requests repeat
earlier ones unchanged. The Messages API requires that the first message is a user's, that no content is empty, that the
next message has a `tool_result` for every `tool_use` and no others, and that no call id occurs twice. Stored messages
of older writers that break these rules are repaired.
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from shared.agent.edited_blocks import edited
from shared.domain.block_rules import is_acceptable, mended_call, mended_result
from shared.domain.content_blocks import THINKING, objects_in, text_block
from shared.domain.events import ToolResult
from shared.domain.models import NO_EDITS, HistoryEdits, Message

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

_INTERRUPTED = "The call was interrupted. Its result is unknown."
_BLANK = "(an empty message)"


@dataclass(slots=True)
class _Turn:
    """Consecutive messages of one role, and the system message after them."""

    role: Literal["user", "assistant"]
    blocks: list[JsonObject]
    system: list[JsonObject] = field(default_factory=list)


def messages_to_send(
    messages: Iterable[tuple[int, Message]], edits: HistoryEdits = NO_EDITS, tool_names: Container[str] = ()
) -> list[JsonObject]:
    """Return the messages for the model, from stored messages with their sequences; the API accepts every result."""
    turns: list[_Turn] = []
    for sequence, message in messages:
        if sequence >= edits.first:
            for turn in _turns_of(sequence, message, edits, tool_names):
                _add(turns, turn)
    joined: list[_Turn] = []
    for turn in turns:
        if turn.role == "assistant":
            turn.blocks = _complete_searches(turn.blocks, tool_names, may_be_pending=turn is turns[-1])
        # The turns around an empty one are joined, because a system message must not precede a user's message.
        _add(joined, turn)
    return _framed([message for turn in _paired(joined) for message in _rendered(turn)])


def _turns_of(sequence: int, message: Message, edits: HistoryEdits, tool_names: Container[str]) -> Iterator[_Turn]:
    blocks = [mended_call(block) for block in _blocks(message) if is_acceptable(block)]
    results = [_known_references(mended_result(block), tool_names) for block in message.tool_results or ()]
    blocks = edited(sequence, blocks, edits)
    results = edited(sequence, results, edits)
    if message.role == "assistant":
        yield _Turn("assistant", blocks)
        # Another writer may have stored the results with the answer. They belong to the next message.
        yield _Turn("user", results)
    else:
        additions = message.additions
        context = [text_block(text) for text in additions.context] if additions else []
        # The question comes last, because the model answers the end of the message.
        yield _Turn("user", [*results, *context, *blocks], [*additions.system] if additions else [])


def _add(turns: list[_Turn], turn: _Turn) -> None:
    if turns and turns[-1].role == turn.role:
        turns[-1].blocks.extend(turn.blocks)
        turns[-1].system.extend(turn.system)
    elif turn.blocks:
        turns.append(turn)


def _rendered(turn: _Turn) -> Iterator[JsonObject]:
    if turn.blocks:
        yield {"role": turn.role, "content": [*turn.blocks]}
        if turn.system:
            yield {"role": "system", "content": [*turn.system]}


def question_to_send(text: str) -> JsonObject:
    """Return a user's text as a message for the API."""
    return {"role": "user", "content": [text_block(text)]}


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


def _complete_searches(
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


def _paired(turns: Sequence[_Turn]) -> Iterator[_Turn]:
    """Yield the turns, with the results of each turn's calls in the next turn and without other results."""
    call_ids: list[str] = []
    seen: set[str] = set()
    for turn in turns:
        if turn.role == "assistant":
            blocks = _first_calls(turn.blocks, seen)
            call_ids = [str(block.get("id")) for block in blocks if block.get("type") == "tool_use"]
            yield _Turn("assistant", blocks)
        else:
            others = [block for block in turn.blocks if block.get("type") != "tool_result"]
            yield _Turn("user", [*_results(call_ids, turn.blocks), *others], turn.system)
            call_ids = []
    if call_ids:
        yield _Turn("user", _results(call_ids, []))


def _first_calls(blocks: Iterable[JsonObject], seen: set[str]) -> list[JsonObject]:
    """Leave out calls whose id has occurred before."""
    remaining = []
    for block in blocks:
        if block.get("type") == "tool_use":
            call_id = str(block.get("id"))
            if call_id in seen:
                continue
            seen.add(call_id)
        remaining.append(block)
    return remaining


def _results(call_ids: Sequence[str], blocks: Sequence[JsonObject]) -> list[JsonObject]:
    results = {str(block.get("tool_use_id")): block for block in blocks if block.get("type") == "tool_result"}
    return [results.get(each) or ToolResult(each, _INTERRUPTED, is_error=True).block() for each in call_ids]


def _framed(messages: list[JsonObject]) -> list[JsonObject]:
    """Add a blank user's message where the first or the last message must be a user's and is not.

    An answer may be the last message if the API has paused work in it and resumes this work.
    """
    last = messages[-1] if messages else None
    begins = bool(messages) and messages[0]["role"] == "user"
    ends = last is None or last["role"] != "assistant" or is_resumable(objects_in(last["content"]))
    return [*([] if begins else [question_to_send(_BLANK)]), *messages, *([] if ends else [question_to_send(_BLANK)])]


def is_resumable(blocks: Sequence[JsonObject]) -> bool:
    """Return whether the API can continue after these blocks of an answer with paused work of its own tools.

    An answer that ends with thinking cannot be continued.
    """
    return any(map(_is_server_work, blocks)) and blocks[-1].get("type") not in THINKING
