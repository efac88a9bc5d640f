"""Texts and queries as PostgreSQL's tsvector and tsquery, in which every word begins with a key of its owner.

The key makes the one index of all users' words an index of owner and word: a search, also one for the beginning of a
word, reads entries of its own user only. The key is short and two users may share it, so each search also compares the
owner.
https://www.postgresql.org/docs/current/datatype-textsearch.html
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections import defaultdict
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.domain.search_query import stem_of
from shared.util.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.domain.search_query import Clause, SearchQuery, Term

_KEY_CHARS = 6
_STEM = "~"
"""Marks a stem, so that it is no word of a phrase."""
_WORDS_OF_VECTOR = 10_000
"""PostgreSQL counts up to 16,383 positions. A longer text gets several vectors."""
_BYTES_OF_VECTOR = 400_000
"""PostgreSQL allows one megabyte."""
_OVERHEAD_BYTES = 16
"""The bytes of an entry besides its text, at most."""


def vectors(owner: str, text: str) -> Iterator[str]:
    """Yield the tsvectors of a text as literals; a text without words has none."""
    key = _key(owner)
    places: defaultdict[str, list[int]] = defaultdict(list)
    position = size = 0
    before = None
    for word in words(text):
        if position >= _WORDS_OF_VECTOR or size >= _BYTES_OF_VECTOR:
            yield _literal(key, places)
            places.clear()
            position = size = 0
        position += not word.is_tail_of(before) or not position
        before = word
        for entry in _entries(word.text):
            places[entry].append(position)
            size += len(entry.encode()) + len(key) + _OVERHEAD_BYTES
    if places:
        yield _literal(key, places)


def matches(owner: str, query: SearchQuery) -> list[str]:
    """Return the clauses of a query as tsqueries: the wanted ones, and then the excluded ones.

    If the query only excludes, the first clause is one that all texts of the owner match.
    """
    key = _key(owner)
    wanted = [_clause(key, clause) for clause in query.wanted] or [_quoted(key) + ":*"]
    return [*wanted, *(_clause(key, clause) for clause in query.clauses if clause.is_excluded)]


@lru_cache(maxsize=1024)
def _key(owner: str) -> str:
    return urlsafe_b64encode(sha256(owner.encode()).digest()).decode()[:_KEY_CHARS]


@lru_cache(maxsize=50_000)
def _entries(word: str) -> tuple[str, ...]:
    stem = stem_of(word)
    return (word,) if stem is None or stem == word else (word, _STEM + stem)


def _literal(key: str, places: dict[str, list[int]]) -> str:
    return " ".join(f"{_quoted(key + entry)}:{','.join(map(str, positions))}" for entry, positions in places.items())


def _clause(key: str, clause: Clause) -> str:
    return " | ".join(f"({_term(key, term)})" for term in clause.alternatives)


def _term(key: str, term: Term) -> str:
    phrase = " <-> ".join(
        _quoted(key + word.text) + (":*" if term.begins(place) else "") for place, word in enumerate(term.words)
    )
    if term.stem is None:
        return phrase
    return f"{phrase} | {_quoted(key + term.stem)} | {_quoted(key + _STEM + term.stem)}"


def _quoted(entry: str) -> str:
    return "'" + entry.replace("\\", "\\\\").replace("'", "''") + "'"
