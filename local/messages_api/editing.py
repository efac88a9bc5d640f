"""Context editing: the rules about `context_management`, and the clearing itself. Page: "Context editing"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from local.messages_api.betas import COMPACTION, CONTEXT_MANAGEMENT
from local.messages_api.request import words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from local.messages_api.request import Body

CLEAR_THINKING: Final = "clear_thinking_20251015"
CLEAR_TOOL_USES: Final = "clear_tool_uses_20250919"
COMPACT: Final = "compact_20260112"
FIELDS: Final = {
    CLEAR_THINKING: words("type keep"),
    CLEAR_TOOL_USES: words("type trigger keep clear_at_least exclude_tools clear_tool_inputs"),
    COMPACT: words("type trigger pause_after_compaction instructions"),
}
COUNTED: Final = {
    "trigger": words("input_tokens tool_uses"),
    "keep": words("tool_uses thinking_turns"),
    "clear_at_least": words("input_tokens"),
}
"""The fields that hold a number of something, with the things that may be counted."""
LEAST_COMPACTION: Final = 50_000
"""Page: "Compaction"."""
DEFAULT_TRIGGER: Final = 100_000
DEFAULT_KEEP: Final = 3
CLEARED: Final = "[Old tool result content cleared]"
BYTES_PER_TOKEN: Final = 4


def context_edits(body: Body, betas: Collection[str]) -> Iterator[str]:
    """The edits are known ones, each in its beta, with good values, and the clearing of thinking comes first."""
    if "context_management" not in body:
        return
    management = body["context_management"]
    edits = management.get("edits", []) if isinstance(management, dict) else None
    if not isinstance(edits, list) or not all(isinstance(edit, dict) for edit in edits):
        yield "context_management.edits: Input should be a valid list"
        return
    kinds = [edit.get("type") for edit in edits]
    if CLEAR_THINKING in kinds[1:]:
        yield f"context_management.edits: {CLEAR_THINKING} must be first"
    if len(set(kinds)) < len(kinds):
        yield "context_management.edits: each type may be given once"
    for index, edit in enumerate(edits):
        path = f"context_management.edits.{index}"
        if edit.get("type") not in FIELDS:
            yield f"{path}: Input tag '{edit.get('type')}' does not match any of the expected tags"
        else:
            yield from (
                f"{path}.{name}: Extra inputs are not permitted" for name in sorted(edit.keys() - FIELDS[edit["type"]])
            )
            yield from _numbers(path, edit)
            if (COMPACTION if edit["type"] == COMPACT else CONTEXT_MANAGEMENT) not in betas:
                yield f"{path}: Input tag '{edit['type']}' does not match any of the expected tags"


def _numbers(path: str, edit: Body) -> Iterator[str]:
    for name, units in COUNTED.items():
        counted = edit.get(name)
        if counted is None or (name == "keep" and counted == "all" and edit["type"] == CLEAR_THINKING):
            continue
        if not isinstance(counted, dict) or counted.keys() != {"type", "value"} or counted["type"] not in units:
            yield f"{path}.{name}: Input should be an object with a type and a value"
        elif not isinstance(counted["value"], int) or counted["value"] < (0 if name == "keep" else 1):
            yield f"{path}.{name}.value: Input should be greater than or equal to 1"
        elif edit["type"] == COMPACT and counted["value"] < LEAST_COMPACTION:
            yield f"{path}.trigger.value: Input should be greater than or equal to {LEAST_COMPACTION}"


def with_cleared_results(body: Body) -> tuple[Body, list[Body]]:
    """Return a body whose old tool results are cleared as it asks for, and the edits as the API reports them."""
    edits = (body.get("context_management") or {}).get("edits", [])
    edit = next((edit for edit in edits if edit["type"] == CLEAR_TOOL_USES), None)
    if edit is None or not _is_triggered(body, edit.get("trigger")):
        return body, []
    excluded = set(edit.get("exclude_tools") or [])
    calls = [block for block in _all_blocks(body) if block.get("type") == "tool_use"]
    keep = edit.get("keep", {"value": DEFAULT_KEEP})["value"]
    chosen = {call["id"] for call in calls[: max(0, len(calls) - keep)] if call["name"] not in excluded}
    messages = [_cleared(message, chosen) for message in body["messages"]]
    freed = (len(orjson.dumps(body["messages"])) - len(orjson.dumps(messages))) // BYTES_PER_TOKEN
    if freed < max(1, edit.get("clear_at_least", {"value": 1})["value"]):
        return body, []
    report = {"type": CLEAR_TOOL_USES, "cleared_tool_uses": len(chosen), "cleared_input_tokens": freed}
    return {**body, "messages": messages}, [report]


def _is_triggered(body: Body, trigger: Body | None) -> bool:
    if trigger is not None and trigger["type"] == "tool_uses":
        most: int = trigger["value"]
        return len([block for block in _all_blocks(body) if block.get("type") == "tool_use"]) > most
    size = len(orjson.dumps([body.get("tools"), body.get("system"), body["messages"]]))
    limit: int = trigger["value"] if trigger else DEFAULT_TRIGGER
    return bool(size // BYTES_PER_TOKEN > limit)


def _all_blocks(body: Body) -> list[Body]:
    return [
        block for message in body["messages"] if isinstance(message["content"], list) for block in message["content"]
    ]


def _cleared(message: Body, chosen: Collection[str]) -> Body:
    content = message["content"]
    if not isinstance(content, list) or message["role"] != "user":
        return message
    return {
        **message,
        "content": [
            {**block, "content": CLEARED}
            if block.get("type") == "tool_result" and block["tool_use_id"] in chosen
            else block
            for block in content
        ],
    }
