"""The rules about calls of tools (`tool_use`) and their results (`tool_result`)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local.messages_api.names import CALL_ID, CALLED_NAME, check_pattern
from local.messages_api.request import blocks, is_objects, turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Block, Body, Turn


def call_blocks(body: Body) -> Iterator[str]:
    """Each call is the assistant's and has an id of its own. Page: "Define tools"."""
    ids = Counter(block.value.get("id") for block in blocks(body) if block.kind == "tool_use")
    if any(count > 1 for count in ids.values()):
        yield "messages: `tool_use` ids must be unique"
    for block in blocks(body):
        if block.kind == "tool_use":
            yield from _call(block, body["messages"][block.message]["role"])


def calls_have_results(body: Body) -> Iterator[str]:
    """The next message begins with the results of all calls. Page: "Handle tool calls"."""
    joined = turns(body)
    for turn, following in zip(joined, [*joined, None][1:], strict=True):
        results = _leading_results(following) if following else set()
        missing = [str(call.value.get("id")) for call in turn.of("tool_use") if call.value.get("id") not in results]
        if missing:
            yield (
                f"messages.{turn.last}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )


def results_have_calls(body: Body) -> Iterator[str]:
    """Each result belongs to a call of the message before; each call has one result. Page: "Handle tool calls"."""
    before: Turn | None = None
    for turn in turns(body):
        calls = {block.value.get("id") for block in before.of("tool_use")} if before else set()
        counts = Counter(block.value.get("tool_use_id") for block in turn.of("tool_result"))
        for block in turn.of("tool_result"):
            if block.value.get("tool_use_id") not in calls:
                yield (
                    f"{block.path}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block.value.get('tool_use_id')}. Each `tool_result` block must have a corresponding `tool_use` "
                    "block in the previous message."
                )
        for call_id in (call_id for call_id, count in counts.items() if count > 1):
            yield (
                f"messages.{turn.last}.content: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {call_id}"
            )
        before = turn


def result_blocks(body: Body) -> Iterator[str]:
    """Each result is the user's, and one that is an error says something. Page: "Handle tool calls"."""
    for turn in turns(body):
        for block in turn.of("tool_result"):
            yield from _result(block, turn.role)


def _call(block: Block, role: str) -> Iterator[str]:
    if role != "assistant":
        yield f"messages.{block.message}: `tool_use` blocks can only be in `assistant` messages"
    if not isinstance(block.value.get("input", {}), dict):
        yield f"{block.path}.tool_use.input: Input should be a valid dictionary"
    yield from check_pattern(f"{block.path}.tool_use.id", block.value.get("id", "x"), CALL_ID)
    yield from check_pattern(f"{block.path}.tool_use.name", block.value.get("name", "x"), CALLED_NAME)


def _leading_results(turn: Turn) -> set[object]:
    ids = set()
    for block in turn.blocks:
        if block.kind != "tool_result":
            break
        ids.add(block.value.get("tool_use_id"))
    return ids


def _result(block: Block, role: str) -> Iterator[str]:
    content = block.value.get("content")
    if role != "user":
        yield f"messages.{block.message}: `tool_result` blocks can only be in `user` messages"
    if content is not None and not isinstance(content, str) and not is_objects(content):
        yield f"{block.path}.tool_result.content: Input should be a valid list"
    if block.value.get("is_error") and not content:
        yield f"{block.path}.tool_result: content cannot be empty if `is_error` is true"
    yield from check_pattern(f"{block.path}.tool_result.tool_use_id", block.value.get("tool_use_id", "x"), CALL_ID)
