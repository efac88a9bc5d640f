"""Bodies of `multipart/form-data` (RFC 7578)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""The quoting of names in a part's header (WHATWG HTML, "Multipart form data")."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form; a part with a file name is a file."""

    name: str
    content: bytes
    file_name: str = ""
    media_type: str = ""
    transfer_encoding: str = ""


def multipart_body(parts: Iterable[Part]) -> tuple[str, bytes]:
    """Return the media type with its boundary, and the body of a form; a form may have no part at all."""
    boundary = secrets.token_hex(16)
    written = b"".join(_written(part, boundary) for part in parts)
    return f"multipart/form-data; boundary={boundary}", written + f"--{boundary}--\r\n".encode()


def _written(part: Part, boundary: str) -> bytes:
    disposition = f'form-data; name="{part.name.translate(_QUOTED)}"'
    if part.file_name:
        disposition += f'; filename="{part.file_name.translate(_QUOTED)}"'
    headers = [f"--{boundary}", f"Content-Disposition: {disposition}"]
    if part.media_type:
        headers.append(f"Content-Type: {part.media_type}")
    if part.transfer_encoding:
        headers.append(f"Content-Transfer-Encoding: {part.transfer_encoding}")
    return "\r\n".join([*headers, "", ""]).encode("utf-8", "replace") + part.content + b"\r\n"
