"""The known name that somebody probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIKE = 0.6
_VERY_LIKE = 0.88


def nearest(name: str, known: Iterable[str], *, is_strict: bool = False) -> str | None:
    """Return the known name that is most like the given one, or None if none is like it."""
    found = get_close_matches(name, [*known], n=1, cutoff=_VERY_LIKE if is_strict else _LIKE)
    return found[0] if found else None
