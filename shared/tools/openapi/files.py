"""Files in requests: the schemas that mean one, and the bytes of the texts that a model gives for one."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from shared.domain.errors import ToolError
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.definitions.schemas import Schemas

FILE_SCHEMA: JsonObject = {"type": "string", "description": "The file's text, or a data: URI of its content."}

_MAX_HEADER_CHARS = 300
_MEDIA_TYPE = bounded(r"[a-z0-9_.+-]+/[a-z0-9_.+-]+", _MAX_HEADER_CHARS)
_EXTENSION = bounded(r"[a-z0-9]*", 40)


@dataclass(frozen=True, slots=True)
class File:
    """A file of a form."""

    name: str
    content: bytes
    media_type: str


def file_schema_of(schema: JsonValue, schemas: Schemas, depth: int = 0) -> JsonObject | None:
    """Return the schema of the file that a schema means: binary, optional, behind a reference, or a list of them."""
    resolved = schemas.resolved(schema)
    types = resolved.get("type")
    if depth > 4:  # noqa: PLR2004  # deeper than anybody writes a file
        return None
    if types == "file" or (
        types in ("string", None, ["string", "null"])
        and (resolved.get("format") == "binary" or {"contentMediaType", "contentEncoding"} & resolved.keys())
    ):
        return resolved
    if types in ("array", ["array", "null"]):
        return file_schema_of(resolved.get("items"), schemas, depth + 1)
    for keyword in ("anyOf", "oneOf", "allOf"):
        members = resolved.get(keyword)
        for member in members if isinstance(members, list) else ():
            if (found := file_schema_of(member, schemas, depth + 1)) is not None:
                return found
    return None


def is_file_list(schema: JsonValue, schemas: Schemas) -> bool:
    """Return whether a schema that means a file means a list of files."""
    resolved = schemas.resolved(schema)
    members = [resolved, *(each for key in ("anyOf", "oneOf", "allOf") for each in _listed(resolved.get(key)))]
    return any(schemas.resolved(member).get("type") in ("array", ["array", "null"]) for member in members)


def read_file(argument: str, wire_name: str, text: str) -> File:
    """Read a file from a data: URI (RFC 2397), or from the text itself.

    Raises:
        ToolError: the data: URI is malformed.
    """
    parsed = _data_uri(argument, text)
    if parsed is None:
        is_svg = text[:_MAX_HEADER_CHARS].lstrip().startswith("<svg")
        content = encoded(argument, text)
        return (
            File(f"{wire_name}.svg", content, "image/svg+xml")
            if is_svg
            else File(f"{wire_name}.txt", content, "text/plain")
        )
    media_type, content = parsed
    if not _MEDIA_TYPE.fullmatch(media_type):
        media_type = "application/octet-stream" if media_type else "text/plain"
    found = _EXTENSION.match(media_type.partition("/")[2])
    return File(f"{wire_name}.{found[0] if found and found[0] else 'bin'}", content, media_type)


def file_bytes(argument: str, text: str) -> bytes:
    """Return the bytes of a data: URI, or of the text itself in UTF-8.

    Raises:
        ToolError: the data: URI is malformed.
    """
    parsed = _data_uri(argument, text)
    return encoded(argument, text) if parsed is None else parsed[1]


def base64_text(argument: str, text: str) -> bytes:
    """Return a file's content as base64 text; a text that is base64 already stays as it is.

    Raises:
        ToolError: the data: URI is malformed.
    """
    parsed = _data_uri(argument, text)
    if parsed is not None:
        return b64encode(parsed[1])
    try:
        b64decode(text, validate=True)
    except ValueError:
        return b64encode(encoded(argument, text))
    return text.encode()


def encoded(argument: str, text: str, charset: str = "utf-8") -> bytes:
    """Encode a text.

    Raises:
        ToolError: the charset has not all of its characters; the message names the argument.
    """
    try:
        return text.encode(charset)
    except (UnicodeEncodeError, LookupError):
        raise ToolError(f"Argument {argument} has characters that cannot be sent.") from None


def _data_uri(argument: str, text: str) -> tuple[str, bytes] | None:
    """Split a data: URI into its media type and its content; return None for any other text."""
    header, comma, content = text.partition(",")
    if not comma or not header.lower().startswith("data:"):
        return None
    media_type, *parameters = header[len("data:") :].lower().split(";")
    try:
        data = b64decode(content, validate=True) if "base64" in parameters else unquote_to_bytes(content)
    except ValueError:
        raise ToolError(f"Argument {argument} is no valid data: URI.") from None
    return media_type, data


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
