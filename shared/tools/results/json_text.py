"""JSON texts written compactly, with every number exactly as it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import orjson

from shared.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import JsonValue

    Hook: TypeAlias = "Callable[[dict[str, ParsedJson]], ParsedJson]"

ParsedJson: TypeAlias = "str | bool | orjson.Fragment | _Verbatim | dict[str, ParsedJson] | list[ParsedJson] | None"
"""Parsed JSON whose numbers are kept as the characters that they were written with."""

_ESCAPED_NUL = "\\u0000"


def compact_json(text: str) -> str:
    """Remove the whitespace between the tokens of a JSON text; return any other text unchanged.

    A text that does not parse is not JSON, whatever it begins with: log lines and Markdown begin with brackets too.
    """
    return rewritten(text, None)


@dataclass(frozen=True, slots=True)
class _Verbatim:
    """A piece of JSON that is written as it stands."""

    text: str


def rewritten(text: str, hook: Hook | None) -> str:
    """Parse a JSON object or array, apply `hook` to every object, and write it compactly.

    Any other text is returned unchanged. The time is linear in the text's length, some 50 ms for a megabyte.
    """
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        if _ESCAPED_NUL not in text:
            return orjson.dumps(_parsed(text, hook, orjson.Fragment)).decode()
    except orjson.JSONEncodeError:  # lone surrogates, or deeper than orjson goes
        pass
    except (ValueError, RecursionError):
        return text
    try:
        return _written(_parsed(text, hook, _Verbatim))
    except (ValueError, RecursionError):
        return text


def json_text(value: JsonValue) -> str:
    """Write a value as compact JSON, without the characters that the database or the Messages API refuses."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return rewritten(text, None) if _ESCAPED_NUL in text else clean(text)


def _parsed(text: str, hook: Hook | None, number: Callable[[str], ParsedJson]) -> ParsedJson:
    value: ParsedJson = json.loads(text, object_hook=hook, parse_float=number, parse_int=number, parse_constant=_refuse)
    return value


def _refuse(constant: str) -> ParsedJson:
    raise ValueError(f"{constant} is not JSON")


def _written(value: ParsedJson) -> str:
    """Write any parsed JSON without NUL characters and lone surrogates; without recursion, since it may be deep."""
    parts: list[str] = []
    pending: list[ParsedJson] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, _Verbatim):
            parts.append(item.text)
        elif isinstance(item, dict):
            pending += reversed(_object_items(item))
        elif isinstance(item, list):
            pending += reversed(_array_items(item))
        else:
            parts.append(json.dumps(clean(item) if isinstance(item, str) else item, ensure_ascii=False))
    return "".join(parts)


def _object_items(members: dict[str, ParsedJson]) -> list[ParsedJson]:
    items: list[ParsedJson] = []
    for key, member in members.items():
        name = json.dumps(clean(key), ensure_ascii=False)
        items += [_Verbatim(f"{',' if items else '{'}{name}:"), member]
    return [*items, _Verbatim("}" if items else "{}")]


def _array_items(elements: list[ParsedJson]) -> list[ParsedJson]:
    items: list[ParsedJson] = []
    for element in elements:
        items += [_Verbatim("," if items else "["), element]
    return [*items, _Verbatim("]" if items else "[]")]
