"""A full-text index of tool definitions: finds tools for a task by a few words (BM25 with synonyms)."""

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

_K1 = 1.6
"""BM25's k1: how much the repetition of a word adds to the score."""
_SAME_ACTION_WEIGHT = 0.9
"""The weight of a word for the same action, where the word itself has 1."""
_SYNONYM_WEIGHT = 0.7
"""The weight of a synonym."""
_MISSPELLING_WEIGHT = 0.7
"""The weight of a word with a similar spelling."""
_MIN_SIMILARITY = 0.75
"""The least similarity of a misspelled word to a known one, 0 to 1."""
_NAME_BONUS = 0.75
"""The bonus, as a share of the score, if the query has every word of a tool's name."""
_READING_FACTOR = 1.2
"""The factor for tools that only read, if the query does not ask for a change."""
_MAX_TERMS = 40
_MAX_QUERY_CHARS = 1000
_MAX_LINE_CHARS = 200
# Results of earlier searches are stored with this line, and `names_in` looks for it: it must not change.
_FOUND = "These tools fit, the best first; they can be called from now on:"
_NOTHING = (
    "No tool matches these words. Search again with other words for the action and the kind of object. If that finds"
    " nothing either, it cannot be done here."
)
_LINE = re.compile(r"- ([a-zA-Z0-9_-]{1,128}): ")

SEARCH_TOOL = ToolDefinition(
    name=SEARCH_TOOLS,
    description=(
        "Find tools for a task. Only the most common tools are offered from the start. Many more, for every kind of"
        " object and action in Imbi and on connected servers, are available only through this search. Search whenever"
        " no tool that you see does what is needed, and always before you say that something cannot be done. The tools"
        " that are found can be called from the next step on and stay available in this conversation."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "description": (
                    "A few words in English: the action and the kind of object, such as 'list releases of a project' or"
                    " 'rotate api key'. No names of single projects or people. If nothing matches, search again with"
                    " other words."
                ),
            }
        },
        "required": ["query"],
    },
)


class ToolIndex:
    """An index of tools over their names, descriptions and parameters, each with its own weight."""

    def __init__(self, definitions: Sequence[ToolDefinition]) -> None:
        self.definitions = tuple(definitions)
        self._names = [frozenset(terms(definition.name)) for definition in self.definitions]
        self._only_reads = [definition.name.partition("_")[0] in READING for definition in self.definitions]
        weights = [word_weights(definition.encoded) for definition in self.definitions]
        self._idf = _inverse_document_frequencies(weights)
        self._postings = _postings(weights, self._idf)

    def search(self, query: str, limit: int = 6) -> list[ToolDefinition]:
        """Return at most `limit` tools that match the query, best first."""
        asked = list(dict.fromkeys(terms(query[:_MAX_QUERY_CHARS])))[:_MAX_TERMS]
        scores: defaultdict[int, float] = defaultdict(float)
        name_matches: defaultdict[int, float] = defaultdict(float)
        for term in asked:
            for place, (score, in_name) in self._scores(term).items():
                scores[place] += score
                name_matches[place] += in_name
        only_reads = CHANGING.isdisjoint(asked)
        for place, share in name_matches.items():
            scores[place] *= 1 + _NAME_BONUS * min(1.0, share / max(1, len(self._names[place])))
            scores[place] *= _READING_FACTOR if only_reads and self._only_reads[place] else 1
        ranked = sorted(scores, key=lambda place: (-scores[place], self.definitions[place].name))
        return [self.definitions[place] for place in ranked[:limit]]

    def _scores(self, asked: str) -> dict[int, tuple[float, float]]:
        """Return, for each tool with the word or a related word, its score and the weight of the match in its name."""
        best: dict[int, tuple[float, float]] = {}
        for term, share in self._related_terms(asked):
            # A synonym must not count for more than the word itself because it is rarer.
            weight = share * min(1.0, self._idf.get(asked, math.inf) / self._idf[term])
            for place, score in self._postings[term]:
                in_name = share if term in self._names[place] else 0.0
                before = best.get(place, (0.0, 0.0))
                best[place] = max(before[0], score * weight), max(before[1], in_name)
        return best

    def _related_terms(self, asked: str) -> Iterator[tuple[str, float]]:
        """Yield the words of the index that a word may mean, with their weights."""
        related = {
            **dict.fromkeys(ALIKE.get(asked, ()), _SYNONYM_WEIGHT),
            **dict.fromkeys(SAME.get(asked, ()), _SAME_ACTION_WEIGHT),
        }
        known = {term: share for term, share in related.items() if term in self._postings}
        if asked in self._postings:
            yield asked, 1.0
        elif not known:
            candidates = [term for term in self._postings if term[0] == asked[0]]
            yield from (
                (term, _MISSPELLING_WEIGHT) for term in get_close_matches(asked, candidates, 1, _MIN_SIMILARITY)
            )
        yield from known.items()


def render(found: Sequence[ToolDefinition]) -> str:
    """Write the result of a search for the model, one line for each tool."""
    return "\n".join([_FOUND, *map(_line, found)]) if found else _NOTHING


def names_in(text: str) -> list[str]:
    """Read the names of tools back from a text that contains a result of `render`."""
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
    return line if len(line) <= _MAX_LINE_CHARS else f"{line[: _MAX_LINE_CHARS - 1].rstrip()}…"


def _inverse_document_frequencies(weights: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Compute BM25's inverse document frequency of each word. Words for the same action count as one word."""
    counts = Counter(term for weighed in weights for term in weighed)
    for term in SAME.keys() & counts.keys():
        counts[term] = sum(1 for weighed in weights if term in weighed or not SAME[term].isdisjoint(weighed))
    return {term: math.log(1 + (len(weights) - count + 0.5) / (count + 0.5)) for term, count in counts.items()}


def _postings(weights: Sequence[Mapping[str, float]], idf: Mapping[str, float]) -> dict[str, list[tuple[int, float]]]:
    """Map each word to the places of the tools that have it, with its score there."""
    postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for place, weighed in enumerate(weights):
        for term, weight in weighed.items():
            postings[term].append((place, idf[term] * weight * (_K1 + 1) / (weight + _K1)))
    return dict(postings)
