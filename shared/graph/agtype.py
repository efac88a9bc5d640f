"""Apache AGE's value type as text: JSON with a suffix on vertices, edges, paths and numerics."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pydantic import JsonValue

_STRING_OR_SUFFIX = re.compile(r'("(?:[^"\\]|\\.)*")|::(?:vertex|edge|path|numeric)')


def parse(text: str | None) -> JsonValue:
    """Read an agtype's text; a vertex or edge gives its map of id, label and properties."""
    if text is None:
        return None
    if "::" in text:
        text = _STRING_OR_SUFFIX.sub(lambda match: match[1] or "", text)
    return cast("JsonValue", json.loads(text))


def render(value: JsonValue) -> str:
    """Write a value as agtype's text, for binding as a parameter."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def structure(value: JsonValue) -> JsonValue:
    """Read a list or object that may be stored as such or as JSON text; what is neither becomes None."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, list | dict) else None
