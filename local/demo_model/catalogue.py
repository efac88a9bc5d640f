"""The tools of a request: which of them lists a kind of thing, and which fit a question best."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.demo_model.language import Verb, plural
from local.demo_model.tool_queries import USUAL_KINDS, is_asked_for, query_of, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.demo_model.question import Question
    from local.demo_model.tool import Noun, OfferedTool

UNMATCHED = 0.6
"""The penalty for a word of a tool's name that the question lacks, as a share of the word's weight."""
DESCRIBED = 0.25
"""The score for a word that only the description has, as a share of the word's weight."""
COST_OF_NEED = 0.4
"""The penalty for each parameter whose value must be looked up before the call."""
ENOUGH = 0.5
"""The lowest score of a tool that is worth calling."""
_ALIASES: dict[Noun, Noun] = {
    ("typ",): ("project", "type"),
    ("type",): ("project", "type"),
    ("servic",): ("project",),
    ("application",): ("project",),
    ("app",): ("project",),
    ("member",): ("user",),
    ("group",): ("team",),
    ("stage",): ("environment",),
}
"""Other names for kinds of things, used if no tool lists things of the given name."""


@dataclass(frozen=True)
class Catalogue:
    """All tools of a request."""

    tools: Sequence[OfferedTool]
    _weights: dict[str, float] = field(default_factory=dict, repr=False)
    _listers: dict[Noun, OfferedTool] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Weight the words of the tools' names by rarity, and index the tools that list things."""
        counts = Counter(part for tool in self.tools for part in set(tool.noun))
        total = len(self.tools) + 1
        self._weights.update({part: math.log(1 + total / count) for part, count in counts.items()})
        for tool in sorted(self.tools, key=lambda tool: len(tool.required), reverse=True):
            if tool.lists and tool.noun and not tool.needs:
                self._listers[tool.noun] = tool

    @property
    def kinds(self) -> list[OfferedTool]:
        """The tools that list a kind of thing and require no parameter besides an organization."""
        return list(self._listers.values())

    @property
    def searcher(self) -> OfferedTool | None:
        """The tool that searches everything for a text, if there is one."""
        everything = [tool for tool in self.tools if tool.verb is Verb.SEARCH and not tool.server]
        return next((tool for tool in everything if tool.needs in (["q"], ["query"])), None)

    def named(self, name: str) -> OfferedTool | None:
        """Return the tool with this name."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def lister(self, noun: Noun) -> OfferedTool | None:
        """Return the tool that lists a kind of thing; if there is none, note that it is needed."""
        found = self.listing(noun)
        if found is None:
            self.note_needed(f"list {plural(spoken(noun))}")
        return found

    def listing(self, noun: Noun) -> OfferedTool | None:
        """Return the tool that lists a kind of thing, if it is offered already."""
        return self._listers.get(noun) or self._listers.get(_ALIASES.get(noun, ()))

    def may_list(self, noun: Noun) -> bool:
        """Return whether a tool lists this kind of thing, or a search may find one."""
        return self.listing(noun) is not None or self.may_find(f"list {plural(spoken(noun))}")

    def acting(self, verb: Verb, noun: Noun) -> OfferedTool | None:
        """Return the tool that does something to a kind of thing; if there is none, note that it is needed."""
        found = next((tool for tool in self.tools if tool.verb is verb and tool.noun == noun), None)
        if found is None:
            self.note_needed(f"{verb.value} {spoken(noun)}")
        return found

    def note_needed(self, query: str) -> None:
        """Note the query that would find a needed tool; does nothing here, where all tools are offered."""

    def may_find(self, query: str) -> bool:
        """Return whether searching for a tool may succeed; never here, where all tools are offered."""
        _ = query
        return False

    def mentioned(self, stems: Sequence[str], nouns: Iterable[Noun] | None = None) -> list[Noun]:
        """Return the kinds of things that a text names, longest names first."""
        if nouns is None:
            self._want_listers(stems)
        candidates = sorted(self._listers if nouns is None else nouns, key=len, reverse=True)
        taken: set[int] = set()
        found: list[Noun] = []
        for noun in candidates:
            places = _places(stems, noun)
            if places and taken.isdisjoint(places):
                taken.update(places)
                found.append(noun)
        return found or [_ALIASES[(part,)] for part in stems if _ALIASES.get((part,)) in candidates]

    def ranked(self, question: Question) -> list[tuple[float, OfferedTool]]:
        """Return the tools that fit a question with their scores, best first."""
        asked = set(question.topics)
        scored = [(self._score(tool, asked, question), tool) for tool in self.tools]
        best = sorted([pair for pair in scored if pair[0] >= ENOUGH], key=lambda pair: -pair[0])
        if not best or not is_asked_for(best[0][1], question):
            self.note_needed(query_of(question))
        return best

    def _want_listers(self, stems: Sequence[str]) -> None:
        """Note the tools that are needed to list the usual kinds of things that a text names."""
        for noun in USUAL_KINDS:
            if _places(stems, noun):
                self.lister(noun)

    def _score(self, tool: OfferedTool, asked: set[str], question: Question) -> float:
        if not self._is_allowed(tool, question):
            return 0.0
        nouns = set(tool.noun)
        matched = sum(self._weights[part] for part in nouns & asked)
        missed = sum(self._weights[part] for part in nouns - asked)
        if not matched and not tool.server:
            return 0.0
        described = sum(self._weights.get(part, 1.0) for part in asked & tool.about - nouns)
        hints = _hints(tool, question) - COST_OF_NEED * len(tool.needs)
        return matched - UNMATCHED * missed + DESCRIBED * described + hints

    @staticmethod
    def _is_allowed(tool: OfferedTool, question: Question) -> bool:
        """Allow a tool that changes something only if the question's verb asks for it."""
        if tool.verb.only_reads:
            return True
        if tool.verb is Verb.OTHER:
            return bool(tool.server) or tool.noun[:1] == tuple(question.topics[:1]) != ()
        return tool.action in question.stems or tool.verb in question.verbs


def _hints(tool: OfferedTool, question: Question) -> float:
    """Score a tool by criteria other than its nouns: one thing or many, the verb, the server's name."""
    hints = 0.5 if tool.verb in question.verbs else 0.0
    if question.head:
        is_head = question.head in tool.noun[-1:]
        is_other = question.head in tool.noun and not is_head and not _places(question.stems, tool.noun)
        hints += 0.8 * tool.lists + 2.0 * is_head - 2.0 * is_other
    return hints + (1.0 if tool.server and tool.server in question.words else 0.0)


def _places(stems: Sequence[str], noun: Noun) -> set[int]:
    width = len(noun)
    return {
        place
        for start in range(len(stems) - width + 1)
        if tuple(stems[start : start + width]) == noun
        for place in range(start, start + width)
    }
