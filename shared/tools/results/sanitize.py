"""What every tool's result goes through, whatever tool it is: harmless to store and to send, and not too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.util.text import clean

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

_EMPTY = "Done; there is nothing more to say."


def harmless(content: str | list[JsonObject]) -> str | list[JsonObject]:
    """Take out what the database or the model's API would refuse, empty texts included."""
    if isinstance(content, str):
        return clean(content) if content.strip() else _EMPTY
    blocks = [
        {**block, "text": clean(str(block["text"]))} if block.get("type") == "text" else block for block in content
    ]
    said = [block for block in blocks if block.get("type") != "text" or str(block["text"]).strip()]
    return said or _EMPTY


def truncated(blocks: list[JsonObject], limit: int) -> list[JsonObject]:
    """Cut the text of a result's blocks to `limit` characters in all and tell the model so; 0 is no limit."""
    length = sum(len(str(block["text"])) for block in blocks if block.get("type") == "text")
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
