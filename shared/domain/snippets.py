"""The part of a text that shows why a search found it."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from shared.domain.search_query import stem_of
from shared.util.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.domain.search_query import SearchQuery

SNIPPET_CHARS = 200
"""The longest snippet, without marks and ellipses."""
MARK = "**"

_CHARS_BEFORE = 60
"""How much of the text is shown before the first found word."""
_READ_CHARS = 100_000
"""Only so many characters of a text are read for its snippet."""
_MOST_WORDS = 100
_MARKS = re.compile("[*`\u200b]+")


def snippet(text: str, query: SearchQuery) -> str:
    """Return about 200 characters of a text, with the words of the query between two asterisks on each side.

    The text's own asterisks and backticks are left out, so that all asterisks of the snippet are marks. Without a found
    word, it is the beginning of the text.
    """
    plain = " ".join(_MARKS.sub("", text[:_READ_CHARS]).split())
    found = _best(list(islice(_found(plain, query), _MOST_WORDS)))
    start, end = _bounds(plain, found[0][0] if found else 0)
    pieces = ["…" if start else ""]
    for first, last in found:
        if last <= end:
            pieces += [plain[start:first], MARK, plain[first:last], MARK]
            start = last
    return "".join([*pieces, plain[start:end], "…" if end < len(plain) else ""])


def _found(text: str, query: SearchQuery) -> Iterator[tuple[int, int]]:
    """Yield the places of the words that the query has. Places that touch are one."""
    terms = [term for clause in query.wanted for term in clause.alternatives]
    exact = {word.text for term in terms for place, word in enumerate(term.words) if not term.begins(place)}
    beginnings = tuple(term.words[-1].text for term in terms if term.begins(len(term.words) - 1))
    stems = {term.stem for term in terms} - {None}
    start = end = -1
    for word in words(text):
        is_found = word.text in exact or word.text.startswith(beginnings) or stem_of(word.text) in stems
        if not is_found:
            continue
        if word.start > end >= 0:
            yield start, end
        if word.start > end:
            start = word.start
        end = max(end, word.end)
    if end >= 0:
        yield start, end


def _best(found: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return the places from the one on that has the most others near it."""
    reach = SNIPPET_CHARS - _CHARS_BEFORE
    counts = [sum(other[1] - start <= reach for other in found[i:]) for i, (start, _) in enumerate(found)]
    return found[counts.index(max(counts)) :] if counts else found


def _bounds(text: str, first: int) -> tuple[int, int]:
    """Return where the snippet begins and ends, if possible between words."""
    start = max(first - _CHARS_BEFORE, 0)
    if start:
        space = text.find(" ", start, first)
        start = space + 1 if space >= 0 else start
    end = start + SNIPPET_CHARS
    if end < len(text):
        space = text.rfind(" ", first + 1, end)
        end = space if space > first + SNIPPET_CHARS // 3 else end
    return start, min(end, len(text))
