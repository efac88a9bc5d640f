"""The content blocks of a message after the edits of its conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.content_blocks import THINKING, objects_in, text_block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.domain.models import HistoryEdits, JsonObject

_PLAIN = frozenset({"text", "tool_use", "tool_result"})
_IMAGE_LEFT_OUT = "[An image was left out here.]"
_LONGEST_KEPT_RESULT = 200
"""Shorter results are not replaced, because the replacement is as long as they are."""


def edited(sequence: int, blocks: Iterable[JsonObject], edits: HistoryEdits) -> list[JsonObject]:
    """Return the blocks to send for the message with the given sequence."""
    result = [block for block in blocks if _is_sent(block, sequence, edits)]
    if sequence <= max(edits.images, edits.plain):
        result = [_without_images(block) for block in result]
    if sequence <= edits.results:
        result = [_with_short_result(block) for block in result]
    return result


def _is_sent(block: JsonObject, sequence: int, edits: HistoryEdits) -> bool:
    kind = block.get("type")
    if kind in THINKING and sequence <= edits.thinking:
        return False
    return sequence > edits.plain or kind in _PLAIN or kind == "image"


def _without_images(block: JsonObject) -> JsonObject:
    if block.get("type") == "image":
        return text_block(_IMAGE_LEFT_OUT)
    content = block.get("content")
    if block.get("type") != "tool_result" or not isinstance(content, list):
        return block
    return {**block, "content": [_without_images(each) for each in objects_in(content)]}


def _with_short_result(block: JsonObject) -> JsonObject:
    content = block.get("content")
    has_references = any(each.get("type") == "tool_reference" for each in objects_in(content))
    if block.get("type") != "tool_result" or has_references or len(str(content)) <= _LONGEST_KEPT_RESULT:
        return block
    notice = (
        "[This older result was left out to save space. If it is needed, call read_result with"
        f' {{"id": "{block.get("tool_use_id")}", "offset": 0}}, or call the tool again.]'
    )
    return {**block, "content": notice}
