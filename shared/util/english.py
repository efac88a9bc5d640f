"""English words: their stems, and the words that say nothing about a subject."""

from __future__ import annotations

from functools import lru_cache

_MIN_STEM_CHARS = 4
"""An ending is removed only if so many letters remain."""
_MIN_PLURAL_CHARS = 3
"""A final s is an ending only in longer words: not in "is" and "us"."""
_PLURALS = (("sses", "ss"), ("ies", "y"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", ""))
_ENDINGS = (
    "ization", "isation", "ational", "ation", "ition", "ment", "ness", "ship", "able", "ible", "ency", "ance", "ence",
    "ing", "ize", "ise", "ion", "ity", "ent", "ant", "ate", "ive", "ful", "ed", "er", "or", "al", "ly",
)  # fmt: skip
"""Endings that are removed, the longest first."""

_STOP_WORDS = """
    a about after again all also am an and any anybody anyone anything are as at available be because been before being
    both but by can could did do does doing don done each either else ever every everybody everything few for from get
    gets getting give gives given go goes going gone got had has have having he her here hers him his how i if in into
    is it its itself just know last let lets like look looks many may me might more most much must my need needs never
    no nobody none nor not nothing now of off ok okay on once one ones only or other others our ours out over own
    please possible quite rather really right said same say says see seen shall she should so some somebody someone
    something still such take takes tell than thank thanks that the their theirs them then there these they thing
    things this those through to today together told tonight too under until up us use used uses using very via want
    wants was we well went were what whatever when where whether which while who whom whose why will with within
    without would yes yesterday yet you your yours
    """
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that say nothing about the action or the object."""


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Remove the ending of a lower-case word, as far as that is needed for comparing words."""
    if len(word) > _MIN_PLURAL_CHARS and not word.endswith(("ss", "us", "is")):
        for ending, instead in _PLURALS:
            if word.endswith(ending):
                word = word.removesuffix(ending) + instead
                break
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_STEM_CHARS:
            word = word.removesuffix(ending)
            break
    if len(word) > _MIN_STEM_CHARS and word[-1] in "ey":
        word = word[:-1]
    return word[:-1] if len(word) > _MIN_STEM_CHARS and word[-1] == word[-2] else word
