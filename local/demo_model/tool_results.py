"""Parses tool results: JSON, complete or cut off, becomes records; other text stays as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

Record: TypeAlias = "dict[str, JsonValue]"

RECEIPT = re.compile(r"^\[Receipt (?P<id>\w+): (?P<change>.*)\]\s*\Z", re.MULTILINE)
"""The line at the end of a result that says what the call changed."""

_LABELS = ("name", "display_name", "organization_name", "tag", "title", "slug", "email", "id")
_DECODER = JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A parsed result: its value if it is JSON, its text, and whether it was cut off."""

    value: JsonValue
    text: str
    is_cut: bool = False

    @property
    def records(self) -> list[Record]:
        """The objects of the list that the result is or contains."""
        return [item for item in _list_in(self.value) or [] if isinstance(item, dict)]

    @property
    def is_list(self) -> bool:
        """Whether the result is a list or contains one."""
        return _list_in(self.value) is not None

    @property
    def record(self) -> Record:
        """The object that the result is; empty for other results."""
        value = self.value
        if isinstance(value, dict) and isinstance(value.get("result"), dict) and len(value) == 1:
            value = value["result"]
        return value if isinstance(value, dict) else {}


def parse_result(text: str) -> ToolResult:
    """Parse a result; of a list that was cut off, only the complete elements remain."""
    stripped = without_receipt(text).strip()
    if not stripped.startswith(("{", "[")):
        return ToolResult(None, stripped)
    try:
        value, end = _DECODER.raw_decode(stripped)
    except JSONDecodeError:
        elements = list(_whole_elements(stripped))
        return ToolResult(elements or None, stripped, is_cut=True)
    return ToolResult(value, stripped, is_cut=bool(stripped[end:].strip()))


def without_receipt(text: str) -> str:
    """Return a result without the line that says what the call changed."""
    return RECEIPT.sub("", text).rstrip()


def text_of(value: object) -> str:
    """Return a value that is a string; for other values, an empty string."""
    return value if isinstance(value, str) else ""


def _list_in(value: JsonValue) -> list[JsonValue] | None:
    """Return the list that a value is, or the only one that it contains beside what is no thing of its own."""
    if isinstance(value, dict) and not name_of(value):
        lists = [inner for each in value.values() if (inner := _list_in(each)) is not None]
        return lists[0] if len(lists) == 1 else None
    return value if isinstance(value, list) else None


def _whole_elements(text: str) -> Iterator[JsonValue]:
    place = text.find("[")
    while place >= 0:
        place += 1
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        try:
            element, place = _DECODER.raw_decode(text, place)
        except JSONDecodeError:
            return
        yield element
        place -= 1


def name_of(value: JsonValue) -> str:
    """Return the name of a record: the first of its naming fields that is set; empty for other values."""
    record = value if isinstance(value, dict) else {}
    return next(filter(None, (text_of(record.get(label)) for label in _LABELS)), "")
