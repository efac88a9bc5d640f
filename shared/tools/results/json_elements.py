"""The elements of the longest list in a JSON text, found without writing the text anew."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\r\n]*")
_decoded = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


@dataclass(frozen=True, slots=True)
class Elements:
    """Where the elements of a text's list begin and end, and the text before and behind them."""

    text: str
    spans: Sequence[tuple[int, int]]
    before: str
    behind: str

    def page(self, offset: int, limit: int) -> tuple[str, int]:
        """Return the elements from `offset` on that fit into `limit` characters, and the offset behind them.

        The text around the list is part of the page, so that the page is valid JSON. Where no element fits, the
        returned offset is the one that was given.
        """
        left = limit - len(self.before) - len(self.behind)
        following = offset
        while following < len(self.spans):
            start, end = self.spans[following]
            left -= end - start + (1 if following > offset else 0)
            if left < 0:
                break
            following += 1
        shown = ",".join(self.text[start:end] for start, end in self.spans[offset:following])
        return f"{self.before}{shown}{self.behind}", following


def elements_of(text: str) -> Elements | None:
    """Find the elements of a list, or of the longest list in an object; return None for any other text."""
    root = _after_space(text, 0)
    try:
        start = _longest_list(text, root) if text.startswith("{", root) else root
        if start is None or not text.startswith("[", start):
            return None
        spans, end = _spans(text, start)
    except (ValueError, IndexError, RecursionError):
        return None
    return Elements(text, spans, text[: start + 1], text[end:])


def _spans(text: str, start: int) -> tuple[list[tuple[int, int]], int]:
    """Find a list's elements and the place of its closing bracket."""
    spans: list[tuple[int, int]] = []
    place = _after_space(text, start + 1)
    while text[place] != "]":
        _, end = _decoded(text, place)
        spans.append((place, end))
        place = _after_separator(text, end, "]")
    return spans, place


def _longest_list(text: str, start: int) -> int | None:
    """Find where the longest list among an object's members begins."""
    best: tuple[int, int] | None = None
    place = _after_space(text, start + 1)
    while text[place] != "}":
        _, end = _decoded(text, place)
        end = _after_space(text, end)
        if text[end] != ":":
            raise ValueError
        value_start = _after_space(text, end + 1)
        value, end = _decoded(text, value_start)
        if isinstance(value, list) and (best is None or end - value_start > best[1] - best[0]):
            best = value_start, end
        place = _after_separator(text, end, "}")
    return best[0] if best else None


def _after_separator(text: str, end: int, closing: str) -> int:
    place = _after_space(text, end)
    if text[place] == ",":
        return _after_space(text, place + 1)
    if text[place] != closing:
        raise ValueError
    return place


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
