"""Content blocks of stored calls and results, mended where an older writer left what the Messages API would refuse."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.models import JsonObject

_REFUSED = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 128
_NOTHING = "(nothing)"


def says_something(block: JsonObject) -> bool:
    """Say whether a block may go to the API: it refuses blank texts and thoughts that nobody signed."""
    match block.get("type"):
        case "text":
            return isinstance(block.get("text"), str) and bool(str(block["text"]).strip())
        case "thinking":
            return bool(block.get("signature"))
        case "tool_use":
            return bool(id_of(block.get("id")))
        case kind:
            return isinstance(kind, str)


def mended_call(block: JsonObject) -> JsonObject:
    """Give a call with an id, a name and an input that the API accepts; other blocks stay as they are."""
    if block.get("type") != "tool_use":
        return block
    name = _REFUSED.sub("_", str(block.get("name") or "unknown"))[:_LONGEST_NAME]
    given = block.get("input")
    return {**block, "id": id_of(block.get("id")), "name": name, "input": given if isinstance(given, dict) else {}}


def mended_result(block: JsonObject) -> JsonObject:
    """Give a stored result as a block that the API accepts, without fields that it does not know."""
    mended: JsonObject = {
        "type": "tool_result",
        "tool_use_id": id_of(block.get("tool_use_id")),
        "content": _content(block.get("content")),
    }
    return {**mended, "is_error": True} if block.get("is_error") is True else mended


def id_of(value: JsonValue) -> str:
    """Give a call's id in the letters that the API accepts; calls and results come to the same."""
    return _REFUSED.sub("_", value) if isinstance(value, str) else ""


def _content(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [block for block in value if isinstance(block, dict) and says_something(block)] or _NOTHING
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if text.strip() else _NOTHING
