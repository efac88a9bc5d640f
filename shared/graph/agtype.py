"""Apache AGE's value type, agtype, as text.

The text is JSON in which vertices, edges, paths and numerics have a suffix such as `::vertex`.
https://age.apache.org/age-manual/master/intro/types.html
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

import orjson

if TYPE_CHECKING:
    from pydantic import JsonValue

_STRING_OR_SUFFIX = re.compile(rb'("(?:[^"\\]|\\.)*")|::(?:vertex|edge|path|numeric)')


def parse(text: bytes | None) -> JsonValue:
    """Return the value of an agtype's text; a vertex or an edge becomes an object with id, label and properties."""
    if text is None:
        return None
    if b"::" in text:
        # Numerics may be larger than orjson's numbers.
        return cast("JsonValue", json.loads(_STRING_OR_SUFFIX.sub(lambda match: match[1] or b"", text)))
    try:
        return cast("JsonValue", orjson.loads(text))
    except orjson.JSONDecodeError:
        # An agtype may be a number that JSON does not have, and an old text may contain half of a surrogate pair.
        return cast("JsonValue", json.loads(text))


def raw(text: bytes | None) -> str | None:
    """Return an agtype's text as it is."""
    return None if text is None else text.decode()


def render(value: JsonValue) -> bytes:
    """Return a value as agtype's text, which is also valid JSON, for use as a statement's parameter.

    Raises:
        TypeError: the value contains half of a surrogate pair, or a number that is too large.
    """
    return orjson.dumps(value)


def structure(value: JsonValue) -> JsonValue:
    """Return a list or object that is stored as such or as JSON text; return None for every other value."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, list | dict) else None


def text(value: JsonValue) -> str:
    """Return a text as it is, and the empty text for every other value."""
    return value if isinstance(value, str) else ""
