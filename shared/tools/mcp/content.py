"""What an MCP tool gives, as text or content blocks for the model: each thing once, nothing that would be refused."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING

from shared.domain.ports import ToolOutput
from shared.tools.results.json_text import compact_json, json_text
from shared.tools.results.redaction import without_internals
from shared.tools.results.sanitize import binary_notice
from shared.util.text import clean
from shared.util.threads import LARGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp.types import CallToolResult, ContentBlock
    from pydantic import JsonValue

    from shared.domain.models import JsonObject

_IMAGES = (
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
    ("image/webp", b"RIFF"),
)
"""What the Messages API takes as an image, and how each begins: it refuses a request with anything else."""

_LARGEST_IMAGE = 5_000_000
_DONE = "Done; the tool gave no content."
_FAILED = "The tool failed without saying why."
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
            {**block, "text": without_internals(str(block["text"]))} if block["type"] == "text" else block
            for block in blocks
        ]
    if any(block["type"] != "text" for block in blocks):
        return ToolOutput(blocks, is_error=is_error)
    text = "\n".join(str(block["text"]) for block in blocks)
    return ToolOutput(text or (_FAILED if is_error else _DONE), is_error=is_error)


def size_of_mcp(result: CallToolResult) -> int:
    """Return about how many characters a result has; structured content without text counts as large."""
    size = sum(len(str(getattr(block, "text", getattr(block, "data", "")))) for block in result.content)
    return max(size, LARGE) if result.structured_content is not None and not size else size


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
    image_type = _image_type(encoded) if media_type.startswith("image/") else None
    if image_type is None or len(encoded) > _LARGEST_IMAGE:
        return _text(binary_notice(media_type, len(encoded) * 3 // 4))
    source: JsonObject = {"type": "base64", "media_type": image_type, "data": encoded}
    return {"type": "image", "source": source}


def _image_type(encoded: str) -> str | None:
    """Find out what an image really is, whatever the server calls it."""
    try:
        content = b64decode(encoded, validate=True)
    except ValueError:
        return None
    return next((media_type for media_type, beginning in _IMAGES if content.startswith(beginning)), None)


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": clean(compact_json(text))}
