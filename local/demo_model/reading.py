"""Reading tool results: JSON, whole or cut off, as records; other text as it is."""

from __future__ import annotations

from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

Record: TypeAlias = "dict[str, JsonValue]"

_DECODER = JSONDecoder(strict=False)
_WRAPPERS = ("result", "results", "data", "items", "records", "entries", "relationships", "components", "projects")
"""Keys under which answers put the list that they are about."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A result: its value if it is JSON, its text if not, and whether something was cut off."""

    value: JsonValue
    text: str
    is_cut: bool = False

    @property
    def records(self) -> list[Record]:
        """The objects of the list that the result is, or holds."""
        return [item for item in _list_in(self.value) or [] if isinstance(item, dict)]

    @property
    def is_list(self) -> bool:
        """Whether the result is a list of things, or holds one."""
        return _list_in(self.value) is not None

    @property
    def record(self) -> Record:
        """The object that the result is; empty if it is none."""
        value = self.value
        if isinstance(value, dict) and isinstance(value.get("result"), dict) and len(value) == 1:
            value = value["result"]
        return value if isinstance(value, dict) else {}


def read(text: str) -> Reading:
    """Read a result; of JSON that was cut off, the whole elements of its list are kept."""
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return Reading(None, stripped)
    try:
        value, end = _DECODER.raw_decode(stripped)
    except JSONDecodeError:
        elements = list(_whole_elements(stripped))
        return Reading(elements or None, stripped, is_cut=True)
    return Reading(value, stripped, is_cut=bool(stripped[end:].strip()))


def text_of(value: object) -> str:
    """A JSON value's text where it is a string, else nothing."""
    return value if isinstance(value, str) else ""


def _list_in(value: JsonValue) -> list[JsonValue] | None:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        for key in _WRAPPERS:
            inner = value.get(key)
            if isinstance(inner, list):
                return inner
            if isinstance(inner, dict) and (nested := _list_in(inner)) is not None:
                return nested
        only = next(iter(value.values())) if len(value) == 1 else None
        return only if isinstance(only, list) else None
    return None


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
