"""The user's decision about an approval, given as an ordinary message."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from shared.domain.user_text import without_ui_blocks

if TYPE_CHECKING:
    from shared.domain.approvals import UserDecision

_WORDS: dict[str, UserDecision] = {"approve": "approve", "yes": "approve", "reject": "reject", "no": "reject"}
_MAX_CHARS = 40
"""A longer message says more than one word."""
_QUESTION_MARKS = frozenset("?\uff1f\u061f\u2e2e\u00bf")


def typed_decision(content: str) -> UserDecision | None:
    """Return the decision if a message, without the UI's blocks, is only `approve`, `yes`, `reject` or `no`.

    Case, whitespace and punctuation around the word do not matter. With a question mark it is a question.
    """
    words = without_ui_blocks(content).strip()
    if len(words) > _MAX_CHARS:
        return None
    while words and _is_ignored(words[-1]):
        words = words[:-1]
    while words and _is_ignored(words[0]):
        words = words[1:]
    return _WORDS.get(words.casefold())


def _is_ignored(character: str) -> bool:
    return character not in _QUESTION_MARKS and unicodedata.category(character)[0] in "PZ"
