"""Feedback: a user's rating of an answer, given with a request or as a message that is only a thumb."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from shared.domain.user_text import without_ui_blocks

if TYPE_CHECKING:
    from datetime import datetime

Rating: TypeAlias = Literal[1, -1]
"""1 is good, -1 is bad."""

FEEDBACK_NOTED = "feedback"
"""The stop reason of the response to a message that is only a thumb."""

_THUMBS: dict[str, Rating] = {"\N{THUMBS UP SIGN}": 1, "\N{THUMBS DOWN SIGN}": -1}
_SKIN_TONES = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
_PRESENTATIONS = frozenset("\N{VARIATION SELECTOR-15}\N{VARIATION SELECTOR-16}")
_MAX_CHARS = 80
"""A longer message says more than a thumb."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """A user's rating of an answer, with the user's own words about it, which may be empty."""

    rating: Rating
    comment: str
    updated_at: datetime


def typed_rating(content: str) -> Rating | None:
    """Return the rating if a message, without the UI's blocks, is only thumbs that all point the same way.

    Skin tones, variation selectors, whitespace and invisible characters do not matter.
    https://www.unicode.org/reports/tr51/
    """
    if not any(thumb in content for thumb in _THUMBS):
        return None
    words = without_ui_blocks(content).strip()
    if len(words) > _MAX_CHARS:
        return None
    ratings = {_THUMBS.get(character) for character in words if not _is_ignored(character)}
    return ratings.pop() if len(ratings) == 1 else None


def _is_ignored(character: str) -> bool:
    return (
        character in _SKIN_TONES
        or character in _PRESENTATIONS
        or character.isspace()
        or unicodedata.category(character) == "Cf"
    )
