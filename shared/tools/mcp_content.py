"""What an MCP tool gives, as text or content blocks for the model: each thing said once, nothing too strange to keep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.agent.ports import ToolOutput
from shared.tools.content import binary, clean, compact_json, json_text, presentable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp.types import CallToolResult, ContentBlock
    from pydantic import JsonValue

    from shared.models import JsonObject

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
"""What the Messages API takes as an image."""

_LARGEST_IMAGE = 5_000_000
_WRAPPED = "result"
"""The key under which servers put a structured result that is no object."""


def output_of_mcp(result: CallToolResult) -> ToolOutput:
    """Render the result of an MCP tool: its content blocks, and its structured content unless these say the same."""
    blocks = list(_blocks(result.content))
    is_error = result.is_error or False
    texts = [str(block["text"]) for block in blocks if block["type"] == "text"]
    if result.structured_content is not None and not _is_said(result.structured_content, texts):
        blocks = [block for block in blocks if block["type"] != "text" or not _is_json(str(block["text"]))]
        blocks.append({"type": "text", "text": json_text(result.structured_content)})
    if is_error:
        blocks = [
            {**block, "text": presentable(str(block["text"]))} if block["type"] == "text" else block for block in blocks
        ]
    if any(block["type"] != "text" for block in blocks):
        return ToolOutput(blocks, is_error=is_error)
    text = "\n".join(str(block["text"]) for block in blocks)
    return ToolOutput(text or "Done; the tool gave no content.", is_error=is_error)


def _is_said(structured: JsonValue, texts: Iterable[str]) -> bool:
    """Say whether a text is the structured content, or the one value that it wraps."""
    wrapped = structured[_WRAPPED] if isinstance(structured, dict) and structured.keys() == {_WRAPPED} else structured
    return any(text == wrapped or _parsed(text) in (structured, wrapped) for text in texts)


def _parsed(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _is_json(text: str) -> bool:
    return text[:1] in {"{", "["} and _parsed(text) != text


def _blocks(content: Iterable[ContentBlock]) -> Iterator[JsonObject]:
    for block in content:
        match block.type:
            case "text":
                yield _text(block.text)
            case "image" | "audio":
                yield _data(block.mime_type, block.data)
            case "resource_link":
                yield _text(f"{block.title or block.name}: {block.uri}")
            case "resource":
                resource = block.resource
                text = getattr(resource, "text", None)
                yield (
                    _text(text)
                    if isinstance(text, str)
                    else _data(resource.mime_type or "", getattr(resource, "blob", ""))
                )


def _data(media_type: str, encoded: str) -> JsonObject:
    if media_type in IMAGE_TYPES and encoded and len(encoded) <= _LARGEST_IMAGE:
        source: JsonObject = {"type": "base64", "media_type": media_type, "data": encoded}
        return {"type": "image", "source": source}
    return _text(binary(media_type, len(encoded) * 3 // 4))


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": compact_json(text) if text[:1] in {"{", "["} else clean(text)}
