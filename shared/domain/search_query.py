"""What a user searches for: words, phrases in quotes, alternatives and words that must not occur."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.util.english import STOP_WORDS, stem
from shared.util.words import sought_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.util.words import Word

MAX_TERMS = 16
"""Further terms of a query are ignored."""

_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d\u300e\u300f", '"'))
_OR = "OR"


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other. If it is not exact, other forms of an English word match too."""

    words: tuple[Word, ...]
    is_exact: bool = False
    is_beginning: bool = False
    """The last word may be the beginning of a longer one, because the user may still be typing it."""

    @property
    def stem(self) -> str | None:
        """The stem of a single English word; None for all other terms."""
        if self.is_exact or len(self.words) != 1 or self.words[0].is_unspaced:
            return None
        return stem_of(self.words[0].text)

    def begins(self, place: int) -> bool:
        """Return whether the word at a place stands for all words that begin with it."""
        word = self.words[place]
        is_last = place == len(self.words) - 1
        return is_last and (self.is_beginning or (word.is_unspaced and len(word.text) == 1))


@dataclass(frozen=True, slots=True)
class Clause:
    """Terms of which one must occur, or none if the clause is excluded."""

    alternatives: tuple[Term, ...]
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """All clauses of a query; it is empty if the text had no words."""

    clauses: tuple[Clause, ...] = field(default=())

    @property
    def wanted(self) -> tuple[Clause, ...]:
        """The clauses that must occur."""
        return tuple(clause for clause in self.clauses if not clause.is_excluded)


def parse_query(text: str) -> SearchQuery:
    """Return the query that a text means.

    `word` is a word, in any case and with or without accents; `"a phrase"` are words in this order; `-word` must not
    occur; `a OR b` is one of two. The last word may be incomplete. English words that say nothing about a subject are
    left out if others remain.
    """
    clauses: list[Clause] = []
    joins = False
    for part, is_quoted in _parts(text):
        if part == _OR and not is_quoted:
            joins = True
            continue
        is_excluded = part.startswith("-") and not part.startswith("--")
        found = tuple(sought_words(part))
        if found:
            term = Term(found, is_exact=is_quoted)
            if joins and clauses and not is_excluded and not clauses[-1].is_excluded:
                clauses[-1] = Clause((*clauses[-1].alternatives, term))
            else:
                clauses.append(Clause((term,), is_excluded))
        joins = False
    return SearchQuery(tuple(_without_stop_words(_with_beginning(clauses, text))[:MAX_TERMS]))


def stem_of(word: str) -> str | None:
    """Return the stem of a word that may be an English one; None for all other words."""
    return stem(word) if word.isascii() and word.isalpha() else None


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the words and the phrases of a text, each with its minus sign, and whether it was in quotes."""
    sections = text.translate(_QUOTES).split('"')
    for place, section in enumerate(sections):
        if place % 2:
            minus = "-" if sections[place - 1].endswith("-") else ""
            yield minus + section, True
        else:
            yield from ((part, False) for part in section.split())


def _with_beginning(clauses: list[Clause], text: str) -> list[Clause]:
    if not clauses or clauses[-1].is_excluded or text[-1:].isspace():
        return clauses
    *others, last = clauses[-1].alternatives
    if last.is_exact:
        return clauses
    return [*clauses[:-1], Clause((*others, Term(last.words, is_beginning=True)))]


def _without_stop_words(clauses: list[Clause]) -> list[Clause]:
    kept = [clause for clause in clauses if clause.is_excluded or not all(map(_is_stop_word, clause.alternatives))]
    return kept if any(not clause.is_excluded for clause in kept) else clauses


def _is_stop_word(term: Term) -> bool:
    return not term.is_exact and len(term.words) == 1 and term.words[0].text in STOP_WORDS
