"""Every tool's result made storable and short enough, whatever tool it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.util.text import clean

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

_EMPTY = "Done; there is nothing more to say."


def sanitize(content: str | list[JsonObject]) -> str | list[JsonObject]:
    """Remove the characters and the empty texts that the database or the Messages API would refuse."""
    if isinstance(content, str):
        return clean(content) if content.strip() else _EMPTY
    blocks = [
        {**block, "text": clean(str(block["text"]))} if block.get("type") == "text" else block for block in content
    ]
    kept = [block for block in blocks if block.get("type") != "text" or str(block["text"]).strip()]
    return kept or _EMPTY


def binary_notice(media_type: str, size: int) -> str:
    """Return the sentence that stands for binary content; `size` is in bytes."""
    return f"Binary content, which is not shown: {media_type or 'of an unknown type'}, {size:,} bytes."


def size_of(content: str | list[JsonObject]) -> int:
    """Return the number of characters of a result's texts."""
    if isinstance(content, str):
        return len(content)
    return sum(len(str(block["text"])) for block in content if block.get("type") == "text")


def truncate_blocks(blocks: list[JsonObject], limit: int) -> list[JsonObject]:
    """Cut the texts of a result's blocks to `limit` characters in all and add a notice; 0 is no limit."""
    length = size_of(blocks)
    return blocks if not limit or length <= limit else _cut(blocks, length, limit)


def _cut(blocks: list[JsonObject], length: int, limit: int) -> list[JsonObject]:
    kept: list[JsonObject] = []
    left = limit
    for block in blocks:
        if block.get("type") == "text":
            text = str(block["text"])[:left]
            left -= len(text)
            kept.extend([{**block, "text": text}] if text else [])
        else:
            kept.append(block)
    return [*kept, {"type": "text", "text": _notice(length, limit)}]


def _notice(length: int, limit: int) -> str:
    return (
        f"\n\n[This result was cut: it has {length:,} characters, and only the first {limit:,} are shown."
        " Make a narrower call: filter, ask for fewer items or fields, or for one item.]"
    )
