"""Small pictures, and ones that lie about themselves, built byte by byte."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 1, height: int = 1, *, data: bytes | None = None, interlaced: bool = False) -> bytes:
    """Build a black PNG of 8-bit gray; `data` replaces the pixel data."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlaced)
    pixels = bytes((width + 1) * height) if data is None else data
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(pixels))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Build one chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def jpeg(width: int = 1, height: int = 1, *, frame: int = 0xC0, thumbnail: bytes = b"") -> bytes:
    """Build the structure of a JPEG; `thumbnail` is put into its Exif segment."""
    exif = _jpeg_segment(0xE1, b"Exif\0\0" + thumbnail)
    size = _jpeg_segment(frame, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    scan = _jpeg_segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
    return b"\xff\xd8" + exif + size + scan + b"\x12\xff\x00\xff\xd0\x34" + b"\xff\xd9"


def _jpeg_segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def gif(width: int = 1, height: int = 1, *, version: bytes = b"89a") -> bytes:
    """Build a GIF of one frame with a comment."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    comment = b"\x21\xfe\x02hi\x00"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00"
    return b"GIF" + version + screen + comment + frame + b"\x3b"


def webp(width: int = 1, height: int = 1, *, kind: str = "lossy") -> bytes:
    """Build the structure of a WebP file: lossy, lossless, extended or animated."""
    lossy = _riff(b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0")
    lossless = _riff(b"VP8L", b"\x2f" + struct.pack("<I", max(width - 1, 0) | max(height - 1, 0) << 14))
    size = _three(max(width - 1, 0)) + _three(max(height - 1, 0))
    canvas = _riff(b"VP8X", bytes(4) + size)
    frame = _riff(b"ANMF", bytes(6) + size + bytes(4) + lossy)
    bodies = {"lossy": lossy, "lossless": lossless, "extended": canvas + lossy, "animated": canvas + frame}
    body = b"WEBP" + bodies[kind]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")
