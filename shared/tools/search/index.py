"""Finding the tools for a purpose among hundreds, by the words of their definitions."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING

from shared.domain.ports import ToolDefinition
from shared.tools.builtin import SEARCH_TOOLS
from shared.tools.search.vocabulary import ALIKE, CHANGING, READING, SAME, terms
from shared.tools.search.weights import first_sentence, word_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SATURATION = 1.6
"""BM25's k1: how soon the repetition of a word brings no more."""
_EQUAL = 0.9
"""What a word for the same act brings, as a share."""
_SYNONYM = 0.7
"""What a word brings that may stand for the one asked for, as a share."""
_MISSPELT = 0.7
"""What a word brings that is spelt nearly like the one asked for, as a share."""
_SPELT_ALIKE = 0.75
"""How alike a misspelt word is at least, 0 to 1."""
_COVERED = 0.75
"""What a tool gains whose name's every word is asked for, as a share."""
_READS = 1.2
"""What a tool that only reads gains where no change is asked for, as a factor."""
_MOST_TERMS = 40
_LONGEST_LINE = 200
_FOUND = "These tools fit, the best first; they can be called from now on:"
_NOTHING = (
    "No tool fits these words. Search again in other words for what is to be done and on what; where that finds nothing"
    " either, it cannot be done here."
)
_LINE = re.compile(r"- ([a-zA-Z0-9_-]{1,128}): ")

SEARCH_TOOL = ToolDefinition(
    name=SEARCH_TOOLS,
    description=(
        "Find the tools for what is to be done. Only the most usual tools are offered from the start; many more, for"
        " every kind of thing and action in Imbi and on connected servers, exist only through this search. Search"
        " whenever no tool that you see does what is needed, and always before saying that something cannot be done."
        " What is found can be called from the next step on and stays available in this conversation."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "description": (
                    "A few words in English: what is to be done, and on what kind of thing, such as 'list releases of a"
                    " project' or 'rotate api key'. No names of single projects or people. Where nothing fits, search"
                    " again in other words."
                ),
            }
        },
        "required": ["query"],
    },
)


class ToolIndex:
    """Tools by the words of their names, descriptions and parameters: BM25 over weighted fields, with synonyms."""

    def __init__(self, definitions: Sequence[ToolDefinition]) -> None:
        self.definitions = tuple(definitions)
        self._names = [frozenset(terms(definition.name)) for definition in self.definitions]
        self._reads = [definition.name.partition("_")[0] in READING for definition in self.definitions]
        weights = [word_weights(definition.encoded) for definition in self.definitions]
        self._rarity = _rarity(weights)
        self._postings = _postings(weights, self._rarity)

    def search(self, query: str, limit: int = 6) -> list[ToolDefinition]:
        """Give the tools that fit a few words, best first."""
        asked = list(dict.fromkeys(terms(query)))[:_MOST_TERMS]
        scores: defaultdict[int, float] = defaultdict(float)
        covered: defaultdict[int, float] = defaultdict(float)
        for term in asked:
            for place, (score, in_name) in self._found(term).items():
                scores[place] += score
                covered[place] += in_name
        only_reads = CHANGING.isdisjoint(asked)
        for place, share in covered.items():
            scores[place] *= 1 + _COVERED * min(1.0, share / max(1, len(self._names[place])))
            scores[place] *= _READS if only_reads and self._reads[place] else 1
        ranked = sorted(scores, key=lambda place: (-scores[place], self.definitions[place].name))
        return [self.definitions[place] for place in ranked[:limit]]

    def _found(self, asked: str) -> dict[int, tuple[float, float]]:
        """For each tool that has a word or one for it: what that brings, and how much of it is in the name."""
        best: dict[int, tuple[float, float]] = {}
        for term, share in self._meant(asked):
            # A synonym that happens to be rarer than the word itself would otherwise count for more than that.
            told = share * min(1.0, self._rarity.get(asked, math.inf) / self._rarity[term])
            for place, score in self._postings[term]:
                in_name = share if term in self._names[place] else 0.0
                before = best.get(place, (0.0, 0.0))
                best[place] = max(before[0], score * told), max(before[1], in_name)
        return best

    def _meant(self, asked: str) -> Iterator[tuple[str, float]]:
        """Give the words of the index that a word may mean, with their shares."""
        related = {**dict.fromkeys(ALIKE.get(asked, ()), _SYNONYM), **dict.fromkeys(SAME.get(asked, ()), _EQUAL)}
        known = {term: share for term, share in related.items() if term in self._postings}
        if asked in self._postings:
            yield asked, 1.0
        elif not known:
            candidates = [term for term in self._postings if term[0] == asked[0]]
            yield from ((term, _MISSPELT) for term in get_close_matches(asked, candidates, 1, _SPELT_ALIKE))
        yield from known.items()


def render(found: Sequence[ToolDefinition]) -> str:
    """Tell the model what was found, a line for each tool."""
    return "\n".join([_FOUND, *map(_line, found)]) if found else _NOTHING


def names_in(text: str) -> list[str]:
    """Read the names back from what `render` has told, whatever stands around it."""
    _, _, rest = text.partition(_FOUND + "\n")
    names: list[str] = []
    for line in rest.splitlines():
        match = _LINE.match(line)
        if match is None:
            break
        names.append(match[1])
    return list(dict.fromkeys(names))


def _line(definition: ToolDefinition) -> str:
    sentence = " ".join(first_sentence(definition.description)[0].split())
    line = f"- {definition.name}: {sentence}"
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1].rstrip()}…"


def _rarity(weights: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """For each word, how much it tells: BM25's inverse document frequency, where words for the same act are one."""
    counts = Counter(term for weighed in weights for term in weighed)
    for term in SAME.keys() & counts.keys():
        counts[term] = sum(1 for weighed in weights if term in weighed or not SAME[term].isdisjoint(weighed))
    return {term: math.log(1 + (len(weights) - count + 0.5) / (count + 0.5)) for term, count in counts.items()}


def _postings(
    weights: Sequence[Mapping[str, float]], rarity: Mapping[str, float]
) -> dict[str, list[tuple[int, float]]]:
    """For each word, the places of the tools that have it, with what it brings there."""
    postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for place, weighed in enumerate(weights):
        for term, weight in weighed.items():
            postings[term].append((place, rarity[term] * weight * (_SATURATION + 1) / (weight + _SATURATION)))
    return dict(postings)
