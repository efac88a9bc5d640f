"""The result of an MCP tool as text or content blocks that the Messages API accepts."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from shared.domain.ports import ToolOutput
from shared.tools.results.images import MAX_ENCODED_BYTES, InvalidImage, read_image
from shared.tools.results.json_text import compact_json, json_text
from shared.tools.results.redaction import without_internals
from shared.tools.results.sanitize import binary_notice
from shared.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp.types import CallToolResult, ContentBlock
    from pydantic import JsonValue

    from shared.domain.models import JsonObject

_MAX_IMAGES = 10
"""Pictures in one result. The Messages API allows smaller pictures only where a request has more than 20."""
_MAX_ERROR_CHARS = 8_000
"""A longer error text is cut before the patterns that clean it are applied."""
_RESULT_KEY = "result"
"""The key under which servers put a structured result that is not an object."""
_NO_CONTENT = "Done; the tool returned no content."
_NO_REASON = "The tool failed and gave no reason."


def convert_result(result: CallToolResult) -> ToolOutput:
    """Convert the result of a tool. Structured content is added unless a text block says the same.

    A failed result consists of text only, because the Messages API accepts nothing else there. Checking a large picture
    takes up to a second, so call this in a thread.
    """
    is_error = result.is_error or False
    blocks = list(_convert_blocks(result.content, max_images=0 if is_error else _MAX_IMAGES))
    texts = [str(block["text"]) for block in blocks if block["type"] == "text"]
    if result.structured_content is not None and not _is_repeated(result.structured_content, texts):
        blocks = [block for block in blocks if block["type"] != "text" or not _is_json(str(block["text"]))]
        blocks.append(_text_block(json_text(result.structured_content)))
    if any(block["type"] != "text" for block in blocks):
        return ToolOutput(blocks, is_error=is_error)
    text = "\n".join(str(block["text"]) for block in blocks)
    if is_error:
        text = without_internals(text[:_MAX_ERROR_CHARS])
    return ToolOutput(text if text.strip() else _NO_REASON if is_error else _NO_CONTENT, is_error=is_error)


def _is_repeated(structured: JsonValue, texts: Iterable[str]) -> bool:
    """Check whether a text is the structured content, or the one value that it wraps."""
    is_wrapped = isinstance(structured, dict) and structured.keys() == {_RESULT_KEY}
    value = structured[_RESULT_KEY] if isinstance(structured, dict) and is_wrapped else structured
    return any(text == value or _parse(text) in (structured, value) for text in texts)


def _parse(text: str) -> JsonValue:
    """Parse JSON. Text that is not JSON is returned unchanged."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _is_json(text: str) -> bool:
    """Check whether a text is a JSON object or array. Much other text begins with a bracket or a brace."""
    return text.lstrip()[:1] in {"{", "["} and _parse(text) != text


def _convert_blocks(content: Iterable[ContentBlock], *, max_images: int) -> Iterator[JsonObject]:
    images_left = max_images
    for block in content:
        converted = _convert_block(block, shows_image=images_left > 0)
        images_left -= converted["type"] == "image"
        yield converted


def _convert_block(block: ContentBlock, *, shows_image: bool) -> JsonObject:
    match block.type:
        case "text":
            return _text_or_json_block(block.text)
        case "image" | "audio":
            return _binary_block(block.mime_type, block.data, shows_image=shows_image)
        case "resource_link":
            return _text_block(clean(f"{block.title or block.name}: {block.uri}"))
        case "resource":
            text = getattr(block.resource, "text", None)
            if isinstance(text, str):
                return _text_or_json_block(text)
            encoded = getattr(block.resource, "blob", "")
            return _binary_block(block.resource.mime_type or "", encoded, shows_image=shows_image)


def _binary_block(media_type: str, encoded: str, *, shows_image: bool) -> JsonObject:
    """Convert binary content: a picture that the Messages API accepts is shown, anything else is described."""
    described = binary_notice(clean(media_type)[:100], len(encoded) * 3 // 4)
    if not media_type.startswith("image/"):
        return _text_block(described)
    if len(encoded) > MAX_ENCODED_BYTES:
        return _text_block(f"{described} The picture is too large.")
    try:
        content = b64decode("".join(encoded.split()), validate=True)
        image = read_image(content)
    except InvalidImage as error:
        return _text_block(f"{described} The picture {error}.")
    except ValueError:
        return _text_block(f"{described} The picture is not valid base64.")
    size = f"It has {image.width:,} x {image.height:,} pixels."
    if not shows_image:
        return _text_block(f"{described} {size}")
    # A server may name another type than that of the bytes, which the Messages API would refuse.
    source: JsonObject = {"type": "base64", "media_type": image.media_type, "data": b64encode(content).decode()}
    return {"type": "image", "source": source}


def _text_or_json_block(text: str) -> JsonObject:
    return _text_block(compact_json(text) if _is_json(text) else clean(text))


def _text_block(text: str) -> JsonObject:
    return {"type": "text", "text": text}
