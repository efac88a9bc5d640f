"""The messages of a request, made of stored messages.

One function makes the messages of every request, live and in later turns, so that what was sent stays as it was sent.
The Messages API demands that a user's message comes first, that no content is empty, that every `tool_use` is answered
in the very next message, that every `tool_result` was asked for in the one before, and that no call id comes twice.
Messages that an older writer left otherwise are mended.
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

_INTERRUPTED = "The call was interrupted; its result is not known."
_BLANK = "(an empty message)"


@dataclass(slots=True)
class _Turn:
    """Messages of one role that follow one another, and the system message behind them."""

    role: Literal["user", "assistant"]
    blocks: list[JsonObject]
    system: list[JsonObject] = field(default_factory=list)


def messages_to_send(
    messages: Iterable[tuple[int, Message]], edits: HistoryEdits = NO_EDITS, tool_names: Container[str] = ()
) -> list[JsonObject]:
    """Return numbered stored messages as the model gets them; the API accepts the result whatever was stored."""
    turns: list[_Turn] = []
    for sequence, message in messages:
        if sequence >= edits.first:
            for turn in _turns_of(sequence, message, edits, tool_names):
                _add(turns, turn)
    joined: list[_Turn] = []
    for turn in turns:
        if turn.role == "assistant":
            turn.blocks = _complete_searches(turn.blocks, tool_names, may_be_pending=turn is turns[-1])
        # Turns around one that has become empty are joined: a system message must not stand before a user's.
        _add(joined, turn)
    return _framed([message for turn in _paired(joined) for message in _rendered(turn)])


def _turns_of(sequence: int, message: Message, edits: HistoryEdits, tool_names: Container[str]) -> Iterator[_Turn]:
    blocks = [mended_call(block) for block in _blocks(message) if is_acceptable(block)]
    results = [_known_references(mended_result(block), tool_names) for block in message.tool_results or ()]
    said = edited(sequence, blocks, edits)
    given = edited(sequence, results, edits)
    if message.role == "assistant":
        yield _Turn("assistant", said)
        # Rows of another writer may hold an answer's results, which belong into the message after it.
        yield _Turn("user", given)
    else:
        additions = message.additions
        context = [text_block(text) for text in additions.context] if additions else []
        # The question comes last: that is what is to be answered.
        yield _Turn("user", [*given, *context, *said], [*additions.system] if additions else [])


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
    """Return a user's text as a message of the API."""
    return {"role": "user", "content": [text_block(text)]}


def _blocks(message: Message) -> list[JsonObject]:
    if message.role == "assistant":
        return list(message.blocks) if message.blocks else plain_blocks(message.content, message.tool_use or ())
    return [text_block(message.content)]


def plain_blocks(text: str, tool_use: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the blocks of an assistant's message that has only its public fields: its text, then its calls."""
    calls: list[JsonObject] = [
        {"type": "tool_use", "id": call.get("id"), "name": call.get("name"), "input": call.get("input")}
        for call in tool_use
    ]
    return [text_block(text), *calls]


def _complete_searches(
    blocks: list[JsonObject], tool_names: Container[str], *, may_be_pending: bool
) -> list[JsonObject]:
    """Leave out work of the API's own tools that has no result or refers to tools that no longer exist.

    The API goes on with its pending work where the history ends with it.
    """
    results = {block.get("tool_use_id"): block for block in blocks if _is_server_result(block)}
    good = {call_id for call_id, result in results.items() if all(name in tool_names for name in _references(result))}
    asked = {block.get("id") for block in blocks if block.get("type") == "server_tool_use"}
    pending = asked - results.keys() if may_be_pending else set()
    return [block for block in blocks if not _is_server_work(block) or _server_call_id(block) in good & asked | pending]


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
    """Replace references to tools that the request does not have: the API refuses them."""
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
    """Yield the turns with each call's result in the next one, without results that nobody asked for."""
    asked: list[str] = []
    seen: set[str] = set()
    for turn in turns:
        if turn.role == "assistant":
            kept = _first_calls(turn.blocks, seen)
            asked = [str(block.get("id")) for block in kept if block.get("type") == "tool_use"]
            yield _Turn("assistant", kept)
        else:
            others = [block for block in turn.blocks if block.get("type") != "tool_result"]
            yield _Turn("user", [*_results(asked, turn.blocks), *others], turn.system)
            asked = []
    if asked:
        yield _Turn("user", _results(asked, []))


def _first_calls(blocks: Iterable[JsonObject], seen: set[str]) -> list[JsonObject]:
    """Leave out calls whose id came before."""
    kept = []
    for block in blocks:
        if block.get("type") == "tool_use":
            call_id = str(block.get("id"))
            if call_id in seen:
                continue
            seen.add(call_id)
        kept.append(block)
    return kept


def _results(asked: Sequence[str], blocks: Sequence[JsonObject]) -> list[JsonObject]:
    given = {str(block.get("tool_use_id")): block for block in blocks if block.get("type") == "tool_result"}
    return [given.get(each) or ToolResult(each, _INTERRUPTED, is_error=True).block() for each in asked]


def _framed(told: list[JsonObject]) -> list[JsonObject]:
    """Return messages that begin with one of the user's and end with one, unless the API paused its own work."""
    begins = bool(told) and told[0]["role"] == "user"
    ends = not told or told[-1]["role"] != "assistant" or is_resumable(objects_in(told[-1]["content"]))
    return [*([] if begins else [question_to_send(_BLANK)]), *told, *([] if ends else [question_to_send(_BLANK)])]


def is_resumable(blocks: Sequence[JsonObject]) -> bool:
    """Return whether the API can go on behind these blocks of an answer: with work of its own tools that it paused.

    An answer that ends in thinking cannot be continued.
    """
    return any(map(_is_server_work, blocks)) and blocks[-1].get("type") not in THINKING
