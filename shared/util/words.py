"""The words of texts in any language, in the form in which a full-text index compares them.

Languages without spaces between words, such as Chinese, Japanese and Thai, give overlapping pairs of characters. A
text of such a language contains another one if its pairs follow each other. Korean is treated in the same way, because
its particles belong to the words.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_WORD = 64
"""Only so many characters of a word are compared. Longer words are hashes, keys or encoded data."""

_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0f00\u0f40-\u0fbc\u1000-\u1049\u1050-\u109d\u1100-\u11ff\u1780-\u17d3"
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u3131-\u318e\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Thai, Lao, Tibetan, Burmese, Khmer, Japanese, Chinese and Korean."""
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0963\u0966-\u0dff\u200c\u200d"
)
"""Characters that belong to a word although Python does not count all of them as letters."""
_RUN = re.compile(f"([{_UNSPACED}]+)|(?:[^\\W_{_UNSPACED}]|[{_MARKS}])+")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")
_IGNORED = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u200c\u200d]")
"""Accents and vowel marks. People often leave them out when they search."""


class Word(NamedTuple):
    """A word of a text: its compared form, and its place in the text."""

    text: str
    start: int
    end: int
    is_unspaced: bool = False
    """The word is a pair of characters, or a single one, of a language without spaces."""

    def is_tail_of(self, before: Word | None) -> bool:
        """Return whether the word is the last character of the pair before it."""
        return self.is_unspaced and before is not None and before.end == self.end


def words(text: str) -> Iterator[Word]:
    """Yield the words of a text in their order.

    A run of an unspaced language gives its pairs and then its last character, so that each character begins a word.
    """
    if text.isascii():
        for match in _ASCII_WORD.finditer(text):
            yield Word(match[0][:LONGEST_WORD].lower(), match.start(), match.end())
        return
    for match in _RUN.finditer(text):
        start, end = match.span()
        if match[1] is None:
            yield Word(folded(match[0][:LONGEST_WORD]), start, end)
        else:
            pairs = ((place, min(place + 2, end)) for place in range(start, end))
            yield from (Word(folded(text[first:last]), first, last, is_unspaced=True) for first, last in pairs)


def sought_words(text: str) -> list[Word]:
    """Return the words that follow each other in every text that contains `text`.

    The last character of a run is left out if there is a pair that contains it.
    """
    found = list(words(text))
    return [word for before, word in zip([None, *found], found, strict=False) if not word.is_tail_of(before)]


@lru_cache(maxsize=50_000)
def folded(word: str) -> str:
    """Return the form of a word in which case, width, accents and vowel marks do not count."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", word).casefold())
    return unicodedata.normalize("NFC", _IGNORED.sub("", decomposed))
