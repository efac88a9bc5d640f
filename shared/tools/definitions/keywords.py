"""JSON Schema keywords that are copied from a document, each with a check of its value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import JsonValue

TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
"""The types of JSON Schema."""

_MAX_PATTERN_CHARS = 200
_MAX_DEFAULT_BYTES = 200

_Check: TypeAlias = "Callable[[JsonValue], bool]"


def is_number(value: JsonValue) -> bool:
    """Return whether a value is a number; a boolean is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_positive(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _is_text(value: JsonValue) -> bool:
    return isinstance(value, str) and bool(value)


def _is_pattern(value: JsonValue) -> bool:
    """Return whether a value is a regular expression; it is compiled only, never applied."""
    if not isinstance(value, str) or len(value) > _MAX_PATTERN_CHARS:
        return False
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _is_small(value: JsonValue) -> bool:
    return value not in (None, "", [], {}) and len(orjson.dumps(value)) <= _MAX_DEFAULT_BYTES


def _is_choice(value: JsonValue) -> bool:
    return isinstance(value, list) and bool(value)


COPIED_KEYWORDS: Mapping[str, _Check] = {
    "const": lambda _: True,
    "enum": _is_choice,
    "minimum": is_number,
    "maximum": is_number,
    "exclusiveMinimum": is_number,
    "exclusiveMaximum": is_number,
    "multipleOf": _is_positive,
    "minLength": _is_count,
    "maxLength": _is_count,
    "minItems": _is_count,
    "maxItems": _is_count,
    "minProperties": _is_count,
    "maxProperties": _is_count,
    "uniqueItems": lambda value: value is True,
    "pattern": _is_pattern,
    "format": _is_text,
    "default": _is_small,
}
"""Keywords that are copied unchanged where their value passes the check."""


def types_of(value: JsonValue) -> list[JsonValue]:
    """Read the keyword `type`; Swagger's `file` becomes `string`, unknown names are dropped."""
    named = value if isinstance(value, list) else [value]
    return list(dict.fromkeys("string" if name == "file" else name for name in named if name in {*TYPES, "file"}))
