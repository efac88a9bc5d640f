"""Pictures: their format, size and completeness, read from the bytes themselves.

The Messages API refuses a request with a picture that it cannot decode or that is too large. A refused picture that was
stored would fail every later request of its conversation. So a picture is checked before it becomes a content block.
https://platform.claude.com/docs/en/build-with-claude/vision
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_SIDE_PIXELS = 8000
"""The Messages API's limit for width and height."""
MAX_ENCODED_BYTES = 5_000_000
"""The Messages API's limit for one picture in base64."""
_MAX_PIXELS = 40_000_000
"""A picture of more pixels takes too long to check."""


class InvalidImage(ValueError):
    """The bytes are not a picture that the Messages API accepts. The message completes "The picture …"."""


@dataclass(frozen=True, slots=True)
class Image:
    """The format and the size in pixels of a complete picture."""

    media_type: str
    width: int
    height: int


def read_image(content: bytes) -> Image:
    """Read and check a picture. This takes up to a second for a large one, so call it in a thread.

    Raises:
        InvalidImage: the format is unknown, the picture is damaged or cut off, or it is too large.
    """
    for media_type, signature, read in _FORMATS:
        if content.startswith(signature):
            try:
                width, height = read(content)
            except (IndexError, zlib.error):
                raise InvalidImage("is cut off or damaged") from None
            return Image(media_type, width, height)
    raise InvalidImage("is not a PNG, JPEG, GIF or WebP file")


def _check_size(width: int, height: int) -> None:
    if not width or not height:
        raise InvalidImage("has no size")
    if max(width, height) > MAX_SIDE_PIXELS:
        raise InvalidImage(f"has {width:,} x {height:,} pixels, and a side may have at most {MAX_SIDE_PIXELS:,}")
    if width * height > _MAX_PIXELS:
        raise InvalidImage(f"has {width:,} x {height:,} pixels, which is too many")


def _number(content: bytes, start: int, length: int, order: str = "big") -> int:
    """Read an unsigned number. Raises IndexError behind the end of the content."""
    field = content[start : start + length]
    if len(field) < length:
        raise IndexError
    return int.from_bytes(field, "little" if order == "little" else "big")


# PNG (ISO/IEC 15948): https://www.w3.org/TR/png-3/

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels by color type."""
_PNG_BIT_DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_PNG_IHDR_BYTES = 13
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row, columns apart, rows apart of each pass of an interlaced picture."""
_INFLATE_STEP_BYTES = 1_000_000


def _png_size(content: bytes) -> tuple[int, int]:
    chunks = _png_chunks(content)
    kind, header = next(chunks, (b"", b""))
    if kind != b"IHDR" or len(header) != _PNG_IHDR_BYTES:
        raise IndexError
    width, height = _number(header, 0, 4), _number(header, 4, 4)
    _check_size(width, height)
    data: list[bytes] = []
    has_palette = False
    for kind, body in chunks:
        has_palette = has_palette or kind == b"PLTE"
        if kind == b"IDAT":
            data.append(body)
    depth, color = header[8], header[9]
    if depth not in _PNG_BIT_DEPTHS.get(color, ()) or (color == 3 and not has_palette):  # noqa: PLR2004  # indexed color
        raise IndexError
    _check_pixel_data(data, _png_data_bytes(width, height, depth * _PNG_CHANNELS[color], is_interlaced=header[12] == 1))
    return width, height


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the body of each chunk up to IEND. Raises IndexError without a valid IEND chunk."""
    place, kind = len(_PNG_SIGNATURE), b""
    while kind != b"IEND":
        length = _number(content, place, 4)
        kind = content[place + 4 : place + 8]
        body = content[place + 8 : place + 8 + length]
        checksum = _number(content, place + 8 + length, 4)
        # Decoders ignore damage in ancillary chunks, whose type begins with a small letter.
        if kind[:1].isupper() and checksum != zlib.crc32(kind + body):
            raise IndexError
        yield kind, body
        place += 12 + length


def _png_data_bytes(width: int, height: int, bits_per_pixel: int, *, is_interlaced: bool) -> int:
    """Compute the size of the uncompressed pixel data: each row has one byte for its filter."""
    passes = _ADAM7 if is_interlaced else ((0, 0, 1, 1),)
    total = 0
    for left, top, columns_apart, rows_apart in passes:
        columns = -(-(width - left) // columns_apart)
        rows = -(-(height - top) // rows_apart)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits_per_pixel + 7) // 8)
    return total


def _check_pixel_data(parts: list[bytes], expected_bytes: int) -> None:
    """Check that the compressed data is complete, without keeping the uncompressed data."""
    inflater = zlib.decompressobj()
    total = 0
    for part in parts:
        rest, produced = part, _INFLATE_STEP_BYTES
        while (rest or produced == _INFLATE_STEP_BYTES) and not inflater.eof and total <= expected_bytes:
            produced = len(inflater.decompress(rest, _INFLATE_STEP_BYTES))
            total += produced
            rest = inflater.unconsumed_tail
    if total < expected_bytes or not inflater.eof:
        raise IndexError


# JPEG (ITU-T T.81, appendix B): https://www.w3.org/Graphics/JPEG/itu-t81.pdf

_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive frames. Others are hardly ever supported."""
_JPEG_OTHER_FRAMES = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_END = 0xD9
_JPEG_SCAN = 0xDA
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A marker after which the entropy-coded data of a scan ends."""


def _jpeg_size(content: bytes) -> tuple[int, int]:
    size: tuple[int, int] | None = None
    has_scan = False
    for marker, body in _jpeg_segments(content):
        if marker in _JPEG_OTHER_FRAMES:
            raise InvalidImage("has an unusual JPEG encoding")
        if marker in _JPEG_FRAMES:
            if body[0] != 8:  # noqa: PLR2004  # bits of a sample
                raise InvalidImage("has an unusual JPEG encoding")
            size = _number(body, 3, 2), _number(body, 1, 2)
            _check_size(*size)
        has_scan = has_scan or marker == _JPEG_SCAN
    if size is None or not has_scan:
        raise IndexError
    return size


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the segments up to the end-of-image marker. Raises IndexError without that marker."""
    place = 2
    while True:
        while content[place + 1] == 0xFF:  # noqa: PLR2004  # fill bytes before a marker
            place += 1
        marker = content[place + 1]
        if content[place] != 0xFF:  # noqa: PLR2004  # every marker begins with it
            raise IndexError
        if marker == _JPEG_END:
            return
        length = _number(content, place + 2, 2)
        body = content[place + 4 : place + 2 + length]
        if len(body) != length - 2:
            raise IndexError
        yield marker, body
        place += 2 + length
        if marker == _JPEG_SCAN:
            following = _JPEG_MARKER.search(content, place)
            if following is None:
                raise IndexError
            place = following.start()


# GIF: https://www.w3.org/Graphics/GIF/spec-gif89a.txt

_GIF_IMAGE, _GIF_EXTENSION, _GIF_END = 0x2C, 0x21, 0x3B


def _gif_size(content: bytes) -> tuple[int, int]:
    width, height = _number(content, 6, 2, "little"), _number(content, 8, 2, "little")
    _check_size(width, height)
    place = 13 + _gif_color_table_bytes(content[10])
    has_image = False
    while content[place] != _GIF_END:
        if content[place] == _GIF_IMAGE:
            _check_size(
                _number(content, place + 1, 2, "little") + _number(content, place + 5, 2, "little"),
                _number(content, place + 3, 2, "little") + _number(content, place + 7, 2, "little"),
            )
            place += 11 + _gif_color_table_bytes(content[place + 9])
            has_image = True
        elif content[place] == _GIF_EXTENSION:
            place += 2
        else:
            raise IndexError
        while content[place]:
            place += 1 + content[place]
        place += 1
    if not has_image:
        raise IndexError
    return width, height


def _gif_color_table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


# WebP (RFC 9649)

_VP8_START_CODE = b"\x9d\x01\x2a"
_VP8L_SIGNATURE = 0x2F


def _webp_size(content: bytes) -> tuple[int, int]:
    end = 8 + _number(content, 4, 4, "little")
    if content[8:12] != b"WEBP" or end > len(content):
        raise IndexError
    sizes = {kind: _webp_chunk_size(kind, body) for kind, body in _riff_chunks(content, 12, end)}
    if sizes.keys().isdisjoint({b"VP8 ", b"VP8L", b"ANMF"}):
        raise IndexError
    width = max(width for width, _ in sizes.values())
    height = max(height for _, height in sizes.values())
    _check_size(width, height)
    return width, height


def _webp_chunk_size(kind: bytes, body: bytes) -> tuple[int, int]:
    """Read the size that a chunk states; 0 if it states none."""
    match kind:
        case b"VP8X":
            return _number(body, 4, 3, "little") + 1, _number(body, 7, 3, "little") + 1
        case b"VP8 ":
            if body[3:6] != _VP8_START_CODE:
                raise IndexError
            return _number(body, 6, 2, "little") & 0x3FFF, _number(body, 8, 2, "little") & 0x3FFF
        case b"VP8L":
            if body[0] != _VP8L_SIGNATURE:
                raise IndexError
            bits = _number(body, 1, 4, "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"ANMF":
            return _number(body, 6, 3, "little") + 1, _number(body, 9, 3, "little") + 1
        case _:
            return 0, 0


def _riff_chunks(content: bytes, place: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    while place < end:
        length = _number(content, place + 4, 4, "little")
        if place + 8 + length > end:
            raise IndexError
        yield content[place : place + 4], content[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


_FORMATS: tuple[tuple[str, bytes, Callable[[bytes], tuple[int, int]]], ...] = (
    ("image/png", _PNG_SIGNATURE, _png_size),
    ("image/jpeg", b"\xff\xd8\xff", _jpeg_size),
    ("image/gif", b"GIF87a", _gif_size),
    ("image/gif", b"GIF89a", _gif_size),
    ("image/webp", b"RIFF", _webp_size),
)
