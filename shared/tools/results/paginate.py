"""Pages of a text that is too long: whole elements of a JSON list, or characters of any other text."""

from __future__ import annotations

from dataclasses import dataclass

from shared.tools.results.json_elements import elements_of

_LINE_END_CHARS = 200
"""A page of characters ends at the end of a line if there is one so near to the cut."""


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a text from `offset` to `following`, of `total` units: elements of a list, or characters."""

    shown: str
    offset: int
    following: int
    total: int
    unit: str

    @property
    def left(self) -> int:
        """The number of units behind the page."""
        return self.total - self.following


def page_of(text: str, offset: int, limit: int) -> Page:
    """Return the page that begins at `offset` and has at most `limit` characters.

    A list, or an object with one long list, is divided between elements, so that every page is valid JSON. Where even
    the first element does not fit, and in any other text, offsets are characters, and a page ends at a line's end
    where one is near. A later element that does not fit is cut, and the next page begins behind it.

    The time is linear in the text's length, some 100 ms for a megabyte of JSON.
    """
    elements = elements_of(text)
    if elements is None or (not elements.page(0, limit)[1] and len(text) > limit):
        return _page_of_characters(text, offset, limit)
    shown, following = elements.page(offset, limit)
    total = len(elements.spans)
    if following == offset < total:
        start, end = elements.spans[offset]
        shown, following = f"{text[start:end][: limit - 1]}…", offset + 1
    return Page(shown, offset, following, total, "elements")


def _page_of_characters(text: str, offset: int, limit: int) -> Page:
    end = offset + limit
    if end < len(text):
        line_end = text.rfind("\n", max(offset, end - _LINE_END_CHARS), end)
        end = line_end + 1 if line_end > offset else end
    shown = text[offset:end]
    return Page(shown, offset, offset + len(shown), len(text), "characters")
