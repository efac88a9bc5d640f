"""Pages of a text that is too long: of a list in JSON whole elements, of anything else characters."""

from __future__ import annotations

from dataclasses import dataclass

from shared.tools.results.json_elements import elements_of

_NEAR_END = 200
"""Characters before a cut in which a line's end is looked for."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a text from `offset` to `following`, both of `total` units: elements of a list, or characters."""

    shown: str
    offset: int
    following: int
    total: int
    unit: str

    @property
    def left(self) -> int:
        """How many units come behind the page."""
        return self.total - self.following


def page_of(text: str, offset: int, limit: int) -> Page:
    """Give what fits into `limit` characters from `offset` on.

    A list, or an object with one long list, is parted between elements, so that every page is valid JSON. Where not
    even the first element fits, and in any other text, offsets are characters, and a page ends at a line's end where
    one is near. An element further on that does not fit is cut; the next page begins behind it.
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
        line_end = text.rfind("\n", max(offset, end - _NEAR_END), end)
        end = line_end + 1 if line_end > offset else end
    shown = text[offset:end]
    return Page(shown, offset, offset + len(shown), len(text), "characters")
