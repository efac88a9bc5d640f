"""Media types (RFC 6838) of request bodies and parameters."""

from __future__ import annotations

from email.message import Message
from typing import Final

ANY_JSON: Final = frozenset({"application/json", "text/json", "*/*", "application/*"})
_XML = frozenset({"application/xml", "text/xml"})
_TEXT = frozenset({"application/javascript", "application/graphql", "application/x-www-form-urlencoded"})
_LINES = frozenset({"application/x-ndjson", "application/jsonl", "application/x-jsonlines", "application/json-seq"})
_YAML = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


def base_of(media_type: str) -> str:
    """Return a media type in lower case without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def charset_of(media_type: str) -> str:
    """Return the `charset` of a media type, UTF-8 where there is none."""
    message = Message()
    message["Content-Type"] = media_type
    return message.get_content_charset() or "utf-8"


def is_json(media_type: str) -> bool:
    """Return whether a value is written as one JSON text; a range that includes JSON counts."""
    base = base_of(media_type)
    return base in ANY_JSON or base.endswith("+json")


def is_xml(media_type: str) -> bool:
    """Return whether a value is written as XML."""
    base = base_of(media_type)
    return base in _XML or base.endswith("+xml")


def is_json_lines(media_type: str) -> bool:
    """Return whether a list is written as one JSON text a line."""
    return base_of(media_type) in _LINES


def is_structured_text(media_type: str) -> bool:
    """Return whether lists and objects can be written: JSON lines, and YAML, of which JSON is a part."""
    base = base_of(media_type)
    return base in _YAML or base.endswith("+yaml") or is_json_lines(base)


def is_text(media_type: str) -> bool:
    """Return whether a body is text, other than JSON."""
    base = base_of(media_type)
    return base.startswith("text/") or base in _TEXT or is_xml(base) or is_structured_text(base)


def sent_as(media_type: str) -> str:
    """Return the media type to send for one of the document, which may be a range such as `*/*`."""
    if not base_of(media_type).endswith("/*"):
        return media_type
    return {"text/*": "text/plain"}.get(base_of(media_type), "application/json")
