"""The rules about pictures. Page: "Vision"."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import TYPE_CHECKING, Final

from local.messages_api.request import blocks, inner_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Body

STARTS: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
"""The media types that the API takes, with the first bytes of such a file."""
LONGEST_SIDE: Final = 8_000
LONGEST_SIDE_OF_MANY: Final = 2_000
MANY: Final = 20
MOST_BYTES: Final = 10 * 1024 * 1024
"""The length of the base64 text."""
_SIZE_OF_PNG: Final = 24
_SIZE_OF_GIF: Final = 10
_SIZE_OF_WEBP: Final = 30
"""The first bytes of a file that hold the picture's size."""
_MARKER: Final = 0xFF
_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def images(body: Body) -> Iterator[str]:
    """A picture has a known type, good base64 of that type, and is not too large; less may be with more than 20."""
    found = list(_images(body))
    longest = LONGEST_SIDE_OF_MANY if len(found) > MANY else LONGEST_SIDE
    for path, source in found:
        if source.get("type") == "base64":
            yield from (f"{path}.image.source.base64{problem}" for problem in _problems(source, longest))


def _images(body: Body) -> Iterator[tuple[str, Body]]:
    for block in blocks(body):
        for place, inner in enumerate([block.value, *inner_blocks(block.value)]):
            if inner.get("type") == "image" and isinstance(inner.get("source"), dict):
                yield block.path if not place else f"{block.path}.tool_result.content.{place - 1}", inner["source"]


def _problems(source: Body, longest: int) -> Iterator[str]:
    kind, data = source.get("media_type"), str(source.get("data", ""))
    if kind not in STARTS:
        yield ".media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
        return
    if len(data) > MOST_BYTES:
        yield f": image exceeds {MOST_BYTES} bytes maximum: {len(data)} bytes"
        return
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        yield ".data: Invalid base64 data"
        return
    if not content.startswith(STARTS[kind]):
        yield f": The image was specified using the {kind} media type, but does not appear to be one"
    elif max(size_of(content), default=0) > longest:
        yield f".data: At least one of the image dimensions exceed max allowed size: {longest} pixels"


def size_of(content: bytes) -> tuple[int, ...]:
    """Return the width and height of a PNG, GIF, WebP or JPEG; nothing where they cannot be read."""
    if content.startswith(STARTS["image/png"]) and len(content) >= _SIZE_OF_PNG:
        return struct.unpack(">II", content[16:24])
    if content.startswith(STARTS["image/gif"]) and len(content) >= _SIZE_OF_GIF:
        return struct.unpack("<HH", content[6:10])
    if content[12:16] == b"VP8X" and len(content) >= _SIZE_OF_WEBP:
        return (int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1)
    return _size_of_jpeg(content) if content.startswith(STARTS["image/jpeg"]) else ()


def _size_of_jpeg(content: bytes) -> tuple[int, ...]:
    """Go through the segments to the frame header."""
    at = 2
    while at + 9 < len(content) and content[at] == _MARKER:
        if content[at + 1] in _FRAME_MARKERS:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return (width, height)
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return ()
