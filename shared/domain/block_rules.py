"""Repairs of stored content blocks that the Messages API would refuse. Older writers stored some of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import JsonObject

_REFUSED = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 128
_NOTHING = "(nothing)"


def is_acceptable(block: JsonObject) -> bool:
    """Return whether the API accepts a block: it refuses blank texts and thinking without a signature."""
    match block.get("type"):
        case "text":
            return isinstance(block.get("text"), str) and bool(str(block["text"]).strip())
        case "thinking":
            return bool(block.get("signature"))
        case "tool_use":
            return bool(id_of(block.get("id")))
        case "image":
            source = block.get("source")
            return isinstance(source, dict) and source.get("data") != ""
        case kind:
            return isinstance(kind, str)


def mended_call(block: JsonObject) -> JsonObject:
    """Return a call with an id, a name and an input that the API accepts; other blocks stay as they are."""
    if block.get("type") != "tool_use":
        return block
    name = _REFUSED.sub("_", str(block.get("name") or "unknown"))[:_LONGEST_NAME]
    value = block.get("input")
    return {**block, "id": id_of(block.get("id")), "name": name, "input": value if isinstance(value, dict) else {}}


def mended_result(block: JsonObject) -> JsonObject:
    """Return a stored result as a block that the API accepts, without fields that it does not know."""
    result: JsonObject = {
        "type": "tool_result",
        "tool_use_id": id_of(block.get("tool_use_id")),
        "content": _content(block.get("content")),
    }
    return {**result, "is_error": True} if block.get("is_error") is True else result


def id_of(value: JsonValue) -> str:
    """Return a call's id with only the characters that the API accepts; a call and its result get the same id."""
    return _REFUSED.sub("_", value) if isinstance(value, str) else ""


def _content(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [block for block in value if isinstance(block, dict) and is_acceptable(block)] or _NOTHING
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if text.strip() else _NOTHING
