"""The history of a conversation: stored messages as the model gets them, and replies as they are stored.

The Messages API demands that a user's message comes first, that no content is empty, that every `tool_use` is answered
in the very next message, that every `tool_result` was asked for in the one before, and that no call id comes twice.
Messages that an older writer left otherwise are mended.
https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.agent.stored_blocks import is_acceptable, mended_call, mended_result
from shared.domain.content_blocks import objects_in, text_block
from shared.domain.events import ToolResult
from shared.domain.models import Message
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from shared.domain.events import Reply
    from shared.domain.models import JsonObject

_INTERRUPTED = "The call was interrupted; its result is not known."
_BLANK = "(an empty message)"


def messages_to_send(messages: Iterable[Message], searchable: Container[str] = ()) -> list[JsonObject]:
    """Return stored messages as the model gets them; the API accepts the result whatever was stored.

    `searchable` are the tools that the API's own search may find. A search that found others is left out.
    """
    turns: list[tuple[str, list[JsonObject]]] = []
    for message in messages:
        said = [
            mended_call(block) for block in _without_lost_searches(_blocks(message), searchable) if is_acceptable(block)
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


def question_to_send(text: str) -> JsonObject:
    """Return a user's text as a message of the API."""
    return {"role": "user", "content": [text_block(text)]}


def message_to_send(role: str, blocks: Sequence[JsonObject]) -> JsonObject:
    """Return content blocks as a message of the API, without those that it would refuse."""
    return {"role": role, "content": [block for block in blocks if is_acceptable(block)]}


def _blocks(message: Message) -> list[JsonObject]:
    if message.role == "assistant":
        return list(message.blocks) if message.blocks else _plain_blocks(message.content, message.tool_use or ())
    return [text_block(message.content)]


def _plain_blocks(text: str, tool_use: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the blocks of an assistant's message that has only its public fields: its text, then its calls."""
    calls: list[JsonObject] = [
        {"type": "tool_use", "id": call.get("id"), "name": call.get("name"), "input": call.get("input")}
        for call in tool_use
    ]
    return [text_block(text), *calls]


def _without_lost_searches(blocks: list[JsonObject], searchable: Container[str]) -> list[JsonObject]:
    """Leave out the API's own searches that have no result or refer to tools that no longer exist."""
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
    references = objects_in(content.get("tool_references")) if isinstance(content, dict) else []
    return (str(reference.get("tool_name")) for reference in references)


def _paired(turns: Sequence[tuple[str, list[JsonObject]]]) -> Iterable[tuple[str, list[JsonObject]]]:
    """Yield the turns with each call's result in the next one, without results that nobody asked for."""
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
    """Return messages that begin and end with one of the user's."""
    begins = bool(told) and told[0]["role"] == "user"
    ends = not told or told[-1]["role"] == "user"
    return [*([] if begins else [question_to_send(_BLANK)]), *told, *([] if ends else [question_to_send(_BLANK)])]


def round_to_store(reply: Reply, results: Sequence[ToolResult]) -> list[Message]:
    """Return a reply and the results of all its calls as the messages to store."""
    said = message_to_store(reply)
    if not results:
        return [said]
    given = tuple(result.block() for result in results)
    return [said, Message(id=uuid4(), role="user", content="", created_at=clock.now(), tool_results=given)]


def message_to_store(reply: Reply) -> Message:
    """Return a reply as the message to store."""
    calls: tuple[JsonObject, ...] = tuple(
        {"id": call.id, "name": call.name, "input": call.input} for call in reply.calls
    )
    return Message(
        id=uuid4(),
        role="assistant",
        content=reply.text,
        created_at=clock.now(),
        tool_use=calls or None,
        token_usage=dict(asdict(reply.usage)),
        blocks=None if _is_plain(reply, calls) else reply.blocks,
    )


def _is_plain(reply: Reply, calls: Sequence[JsonObject]) -> bool:
    """Return whether a reply's text and calls say all that its blocks do."""
    told = [{name: value for name, value in block.items() if value is not None} for block in reply.blocks]
    plain = _plain_blocks(reply.text, calls)
    return told in (plain, plain[1:])
