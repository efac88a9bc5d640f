"""Typing mistakes in the words of the grammar: one letter too many, too few or wrong, or two letters in wrong order.

Names are no words of the grammar. `names.py` looks for those that are similar.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SHORTEST = 4
"""The letters of the shortest word that is corrected."""
_LONG = 6
"""The letters from which any one letter of a word may be wrong. In shorter ones, that is too often another word."""
_MOST = 3
"""The number of words that are corrected in one question."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_REAL_WORDS = """
    abut alloyed archived archives aversion baled balled belated bets blow bout brig bring cabled caller calmed chance
    changed changes charge clause clod compadre compared continued core cots crease created cremate culled cunning
    currant currents decent decently defend defends deleted deplete deplored described discus dose dumber east elated
    embers ever evert exit exits expansive extensive form gain galled gunning hallowed hank hanks hell introduced lamely
    latent lest loos loud lumber moaning mode moth mourning name navigated numbed pats prefect protect protects recant
    regent relaxed relayed released relent remote removed renamed repent resent retread reverb revere ring roes ruining
    shanks sore starch sues sunning tank tanks teas thee thing thinks thins three umber urns verses walled wallowed
    """
_REAL = frozenset(_REAL_WORDS.split())
"""English words that are one such mistake away from a word of the grammar, and mean something else."""
_WORDS = re.compile(r"\"[^\"]*\"|`[^`]*`|[^\s?,]+")


def corrected(question: str, words: frozenset[str], known: Collection[str]) -> str | None:
    """Return a question whose mistyped words are corrected to `words`; None if there is nothing to correct.

    What is `known` is right. So is what has quotes around it or, inside the question, a capital letter. A question
    without any right word is one of another language.
    """
    right = words.union(known)
    said = [found[0].lower() for found in _WORDS.finditer(question)]
    meant = _meant(words)
    count = 0

    def correct(found: re.Match[str]) -> str:
        nonlocal count
        word = found[0].lower()
        if word in right or word not in meant or not _may_be_wrong(found):
            return found[0]
        count += 1
        return meant[word]

    result = _WORDS.sub(correct, question)
    return result if 0 < count <= _MOST and not right.isdisjoint(said) else None


def _may_be_wrong(found: re.Match[str]) -> bool:
    is_plain = found[0].isalpha() and (found[0].islower() or found.start() == 0)
    return is_plain and len(found[0]) >= _SHORTEST and found[0].lower() not in _REAL


@lru_cache(maxsize=1)
def _meant(words: frozenset[str]) -> Mapping[str, str]:
    """Return the word that each mistyped one stands for; those that may stand for several are left out."""
    found: dict[str, set[str]] = {}
    for word in words:
        for mistyped in _mistyped(word):
            found.setdefault(mistyped, set()).add(word)
    return {mistyped: next(iter(meant)) for mistyped, meant in found.items() if len(meant) == 1}


def _mistyped(word: str) -> set[str]:
    splits = [(word[:index], word[index:]) for index in range(len(word) + 1)]
    swapped = {before + after[1] + after[0] + after[2:] for before, after in splits if len(after) > 1}
    doubled = {before + after[0] + after for before, after in splits if after}
    dropped = {before + after[1:] for before, after in splits if after} if len(word) > _SHORTEST else set()
    if len(word) < _LONG:
        return swapped | doubled | dropped
    added = {before + letter + after for before, after in splits for letter in _LETTERS}
    replaced = {before + letter + after[1:] for before, after in splits if after for letter in _LETTERS}
    return swapped | doubled | dropped | added | replaced
