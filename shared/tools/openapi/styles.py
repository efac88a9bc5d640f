"""Values written in the styles of OpenAPI (3.1, "Style Values"; RFC 6570)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

from shared.tools.openapi.media_types import is_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import JsonValue

    from shared.tools.openapi.parameters import Serialization

    Quote: TypeAlias = Callable[[str], str]

_DELIMITERS = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


def json_of(value: JsonValue) -> str:
    """Write a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text_of(value: JsonValue) -> str:
    """Write a value as text: a string unchanged, anything else as JSON."""
    return value if isinstance(value, str) else json_of(value)


def pairs(name: str, value: JsonValue, how: Serialization, quote: Quote) -> list[tuple[str, str]]:
    """Write a value as quoted pairs of names and values, for a query, a form or cookies.

    Null elements and members are left out: the styles cannot express null (RFC 6570, section 2.3). No rule says how
    the styles nest, and so a list or an object within another one is written as JSON, except by `deepObject`.
    """
    if how.media_type:
        is_text = isinstance(value, str) and not is_json(how.media_type)
        return [(quote(name), quote(text_of(value) if is_text else json_of(value)))]
    if isinstance(value, dict):
        return _object_pairs(name, value, how, quote)
    if isinstance(value, list):
        elements = [quote(text_of(element)) for element in value if element is not None]
        if how.explode or not elements:
            return [(quote(name), element) for element in elements]
        return [(quote(name), _delimiter(how, quote).join(elements))]
    return [(quote(name), quote(text_of(value)))]


def _object_pairs(name: str, value: dict[str, JsonValue], how: Serialization, quote: Quote) -> list[tuple[str, str]]:
    if how.style == "deepObject":
        return _deep_pairs(name, value, quote)
    members = [(quote(key), quote(text_of(member))) for key, member in value.items() if member is not None]
    if how.explode or not members:
        return members
    return [(quote(name), _delimiter(how, quote).join(part for member in members for part in member))]


def _deep_pairs(name: str, value: JsonValue, quote: Quote) -> list[tuple[str, str]]:
    """Write `name[key]=value`; a list repeats its name."""
    if isinstance(value, dict):
        found = (_deep_pairs(f"{name}[{key}]", member, quote) for key, member in value.items() if member is not None)
        return [pair for each in found for pair in each]
    elements = value if isinstance(value, list) else [value]
    return [(quote(name), quote(text_of(element))) for element in elements if element is not None]


def _delimiter(how: Serialization, quote: Quote) -> str:
    """Return the delimiter of a style; a comma is not quoted, which tells it from a comma in a value."""
    delimiter = _DELIMITERS.get(how.style, ",")
    return delimiter if delimiter == "," else quote(delimiter)


def segment(name: str, value: JsonValue, how: Serialization, quote: Quote) -> str:
    """Write a value for a path or a header: `simple`, `label` or `matrix`."""
    if how.media_type:
        return quote(json_of(value) if is_json(how.media_type) else text_of(value))
    prefix, separator = {"label": (".", "."), "matrix": (";", ";")}.get(how.style, ("", ","))
    is_named = how.style == "matrix"
    if isinstance(value, dict):
        members = [(quote(key), quote(text_of(member))) for key, member in value.items() if member is not None]
        if how.explode:
            return prefix + separator.join(f"{key}={member}" for key, member in members)
        parts = [part for member in members for part in member]
    elif isinstance(value, list):
        parts = [quote(text_of(element)) for element in value if element is not None]
        if how.explode:
            return prefix + separator.join(f"{quote(name)}={part}" if is_named else part for part in parts)
    else:
        parts = [quote(text_of(value))]
    return (f"{prefix}{quote(name)}=" if is_named else prefix) + ",".join(parts)


def leaves(value: JsonValue) -> list[str]:
    """List the texts of which a value is written, each of which has to be checked by itself."""
    if isinstance(value, dict):
        return [text for key, member in value.items() if member is not None for text in (key, text_of(member))]
    if isinstance(value, list):
        return [text_of(element) for element in value if element is not None]
    return [text_of(value)]
