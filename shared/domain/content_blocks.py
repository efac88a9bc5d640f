"""The content blocks of the Messages API as plain JSON.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

    from shared.domain.models import JsonObject


THINKING = frozenset({"thinking", "redacted_thinking"})
"""The types of the blocks that contain the model's thinking."""


def text_block(text: str) -> JsonObject:
    """Return a text block."""
    return {"type": "text", "text": text}


def blocks_of(message: JsonObject) -> list[JsonObject]:
    """Return the content blocks of a message, or an empty list if its content is a plain string."""
    return objects_in(message.get("content"))


def objects_in(value: JsonValue) -> list[JsonObject]:
    """Return the objects of a JSON list, or an empty list for any other value."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text_of(blocks: Iterable[JsonObject], separator: str = "") -> str:
    """Return the text of all text blocks, joined by the separator."""
    return separator.join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")


def thinking_of(blocks: Iterable[JsonObject]) -> str:
    """Return the readable thinking in blocks, each block in a paragraph of its own."""
    thoughts = (str(block.get("thinking") or "") for block in blocks if block.get("type") == "thinking")
    return "\n\n".join(filter(str.strip, thoughts))


def has_tool_results(message: JsonObject) -> bool:
    """Return whether a message contains results of tool calls."""
    return any(block.get("type") == "tool_result" for block in blocks_of(message))


def is_question(message: JsonObject) -> bool:
    """Return whether a message was written by the user and contains no results of tool calls."""
    return message["role"] == "user" and not has_tool_results(message)
