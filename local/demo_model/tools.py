"""The tools that a request offers: what their names and descriptions say they do, and which one fits a question."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from local.demo_model.language import VERBS, Verb, content, is_plural, plural, singular, stem, words
from local.demo_model.queries import USUAL_KINDS, is_asked_for, query_of, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from local.demo_model.question import Question
    from local.demo_model.reading import Record
    from local.demo_model.wire import CustomTool

Noun: TypeAlias = "tuple[str, ...]"
"""A kind of thing by its words' stems, such as ("project", "type")."""

DESCRIPTION_WORDS = 60
"""Words of a description that count; the rest is detail."""
UNMATCHED = 0.6
"""What a word of a tool's name that the question lacks costs, as a share of what it would have brought."""
DESCRIBED = 0.25
"""What a word found only in a description brings, as a share."""
COST_OF_NEED = 0.4
"""What each thing costs that has to be found out before a call."""
ENOUGH = 0.5
"""The least score of a tool that is worth a call."""
SCOPES = frozenset({"org_slug", "organization_slug", "org"})
"""Parameters that say in which organization a tool works."""
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
"""What else people and parameters call things; used where no tool lists them under the name given."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool that may be called."""

    name: str
    description: str
    properties: Mapping[str, Record]
    required: Sequence[str]
    verb: Verb
    action: str
    """The stem of the name's verb; empty where it has none."""
    noun: Noun
    phrase: str
    """The noun as people would write it."""
    is_plural: bool
    server: str = ""
    """Of a tool of an external server, the prefix."""
    about: frozenset[str] = frozenset()
    """The stems of its description."""

    @property
    def needs(self) -> list[str]:
        """What it cannot be called without, besides an organization."""
        return [name for name in self.required if name not in SCOPES]

    @property
    def lists(self) -> bool:
        """Whether it gives many things."""
        return self.verb is Verb.LIST or (self.verb.only_reads and self.is_plural)


def offer_of(tool: CustomTool) -> Offer:
    """Read a tool's definition."""
    parts = words(tool.name)
    server = ""
    if parts[:1] == ["mcp"] and parts[2:]:
        _, server, *parts = parts
    if len(parts) > 1 and parts[-1].isdigit():
        parts = parts[:-1]
    place = next((place for place, part in enumerate(parts[:2]) if stem(part) in VERBS), None)
    action = stem(parts[place]) if place is not None else ""
    nouns = [part for index, part in enumerate(parts) if index != place]
    schema = tool.input_schema
    properties = {name: part for name, part in (schema.properties or {}).items() if isinstance(part, dict)}
    return Offer(
        name=tool.name,
        description=tool.description,
        properties=properties,
        required=tuple(name for name in schema.required or [] if name in properties),
        verb=VERBS.get(action, Verb.OTHER),
        action=action,
        noun=tuple(stem(part) for part in nouns),
        phrase=" ".join([*nouns[:-1], singular(nouns[-1])]) if nouns else "",
        is_plural=bool(nouns) and is_plural(nouns[-1]),
        server=server,
        about=frozenset(content(" ".join(tool.description.split()[:DESCRIPTION_WORDS]))),
    )


@dataclass(frozen=True)
class Catalogue:
    """All tools of a request."""

    offers: Sequence[Offer]
    _weights: dict[str, float] = field(default_factory=dict, repr=False)
    _listers: dict[Noun, Offer] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Weigh the words of the names by how rare they are, and index what lists what."""
        counts = Counter(part for offer in self.offers for part in set(offer.noun))
        total = len(self.offers) + 1
        self._weights.update({part: math.log(1 + total / count) for part, count in counts.items()})
        for offer in sorted(self.offers, key=lambda offer: len(offer.required), reverse=True):
            if offer.lists and offer.noun and not offer.needs:
                self._listers[offer.noun] = offer

    @property
    def kinds(self) -> list[Offer]:
        """The tools that list a kind of thing and need nothing but an organization."""
        return list(self._listers.values())

    @property
    def searcher(self) -> Offer | None:
        """The tool that searches everything for a text."""
        everything = [offer for offer in self.offers if offer.verb is Verb.SEARCH and not offer.server]
        return next((offer for offer in everything if offer.needs in (["q"], ["query"])), None)

    def named(self, name: str) -> Offer | None:
        """The tool of a name."""
        return next((offer for offer in self.offers if offer.name == name), None)

    def lister(self, noun: Noun) -> Offer | None:
        """The tool that lists a kind of thing."""
        found = self.listing(noun)
        if found is None:
            self.want(f"list {plural(spoken(noun))}")
        return found

    def listing(self, noun: Noun) -> Offer | None:
        """The tool that lists a kind of thing, if it is offered already."""
        return self._listers.get(noun) or self._listers.get(_ALIASES.get(noun, ()))

    def may_list(self, noun: Noun) -> bool:
        """Whether there is a tool that lists a kind of thing, or one may yet be found."""
        return self.listing(noun) is not None or self.may_find(f"list {plural(spoken(noun))}")

    def acting(self, verb: Verb, noun: Noun) -> Offer | None:
        """The tool that does something to a kind of thing."""
        found = next((offer for offer in self.offers if offer.verb is verb and offer.noun == noun), None)
        if found is None:
            self.want(f"{verb.value} {spoken(noun)}")
        return found

    def want(self, query: str) -> None:
        """Note that a tool would be needed, in words to search for it: in vain, where all tools are offered."""

    def may_find(self, query: str) -> bool:
        """Whether a search for a tool is still worth while: not where all tools are offered."""
        _ = query
        return False

    def mentioned(self, stems: Sequence[str], nouns: Iterable[Noun] | None = None) -> list[Noun]:
        """The kinds of things that are named in a text, longest names first."""
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

    def ranked(self, question: Question) -> list[tuple[float, Offer]]:
        """The tools that fit a question, best first, each with its score."""
        asked = set(question.topics)
        scored = [(self._score(offer, asked, question), offer) for offer in self.offers]
        best = sorted([pair for pair in scored if pair[0] >= ENOUGH], key=lambda pair: -pair[0])
        if not best or not is_asked_for(best[0][1], question):
            self.want(query_of(question))
        return best

    def _want_listers(self, stems: Sequence[str]) -> None:
        """See to it that there are tools for the usual kinds of things that a text names."""
        for noun in USUAL_KINDS:
            if _places(stems, noun):
                self.lister(noun)

    def _score(self, offer: Offer, asked: set[str], question: Question) -> float:
        if not self._is_allowed(offer, question):
            return 0.0
        nouns = set(offer.noun)
        matched = sum(self._weights[part] for part in nouns & asked)
        missed = sum(self._weights[part] for part in nouns - asked)
        if not matched and not offer.server:
            return 0.0
        described = sum(self._weights.get(part, 1.0) for part in asked & offer.about - nouns)
        hints = _hints(offer, question) - COST_OF_NEED * len(offer.needs)
        return matched - UNMATCHED * missed + DESCRIBED * described + hints

    @staticmethod
    def _is_allowed(offer: Offer, question: Question) -> bool:
        """Only what the question's own verb asks for may change anything."""
        if offer.verb.only_reads:
            return True
        if offer.verb is Verb.OTHER:
            return bool(offer.server) or offer.noun[:1] == tuple(question.topics[:1]) != ()
        return offer.action in question.stems or offer.verb in question.verbs


def _hints(offer: Offer, question: Question) -> float:
    """What speaks for a tool besides its nouns: one thing or many, the verb, the server's name."""
    hints = 0.5 if offer.verb in question.verbs else 0.0
    if question.head:
        is_head = question.head in offer.noun[-1:]
        is_other = question.head in offer.noun and not is_head and not _places(question.stems, offer.noun)
        hints += 0.8 * offer.lists + 2.0 * is_head - 2.0 * is_other
    return hints + (1.0 if offer.server and offer.server in question.words else 0.0)


def _places(stems: Sequence[str], noun: Noun) -> set[int]:
    width = len(noun)
    return {
        place
        for start in range(len(stems) - width + 1)
        if tuple(stems[start : start + width]) == noun
        for place in range(start, start + width)
    }
