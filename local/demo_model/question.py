"""Analyses the text of a question: its words, its literals, the kind of thing that it asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from local.demo_model.language import ASSOCIATED, FILLER, VERBS, Verb, is_plural, stem, stems, words

_QUOTED = re.compile(r"\"([^\"]+)\"|\u201c([^\u201d]+)\u201d|`([^`]+)`|(?<!\w)['\u2018]([^'\u2019]+)['\u2019](?!\w)")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w-]|\.\d)")
_SLUG = re.compile(r"(?<![\w@/.-])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)+(?![\w@-])")
_VALUE = r"(?:\"[^\"]+\"|\u201c[^\u201d]+\u201d|`[^`]+`|'[^']+'|{plain})"
_WORD = _VALUE.format(plain=r"[^\s,;?]+")
_END = (
    r"(?=\s*(?:[.!?]?\s*$|[,;]\s|\s(?:and|with|in|for|under|then|so)\s+(?:go|open|take|navigate|show|slug|team|type"
    r"|the|a|an|description|project|its|icon|url)\b))"
)
_NAMED = re.compile(
    rf"\b(?:named|called|name[d:]*(?:\s+(?:is|it|of))?|titled)\s+({_VALUE.format(plain='.+?')}){_END}", re.IGNORECASE
)
_RENAME = re.compile(
    rf"\brename\s+(?P<what>.+?)\s+(?:in)?to\s+(?P<to>{_VALUE.format(plain='.+?')}){_END}", re.IGNORECASE
)
_CHANGE = re.compile(
    r"\b(?:set|change|update|edit|modify)\s+(?:the\s+)?(?P<field>[\w-]+(?:\s[\w-]+)?)\s+(?:of|for|on)\s+(?P<what>.+?)"
    rf"\s+(?:in)?to\s+(?P<to>{_VALUE.format(plain='.+?')}){_END}",
    re.IGNORECASE,
)
_BACK = frozenset(
    ["it", "its", "they", "them", "their", "that", "this", "these", "those", "there", "he", "she", "his", "her", "same"]
)
_GO = re.compile(r"\b(?:go to|goto|navigate|take me|bring me|open|jump to|show me the page)\b", re.IGNORECASE)
_YES = re.compile(r"^\s*(?:yes|yep|yeah|sure|ok(?:ay)?|do it|go ahead|please do|confirm(?:ed)?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Change:
    """A request to change a field of a thing."""

    what: str
    field: str
    value: str


@dataclass(frozen=True)
class Question:
    """A user's question."""

    text: str

    @cached_property
    def words(self) -> list[str]:
        """The words in lower case."""
        return words(self.text)

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """The stems of all words, filler included."""
        return tuple(stem(word) for word in self.words)

    @cached_property
    def topics(self) -> list[str]:
        """The stems of the question's subject, without filler and verbs, and the associated stems."""
        return self._said + [part for part in self.associations if part not in self._said]

    @cached_property
    def _said(self) -> list[str]:
        kept = (stem(word) for word in words(_GO.sub(" ", self.text)) if word not in FILLER)
        return [part for part in kept if part not in FILLER and part not in VERBS]

    @cached_property
    def associations(self) -> list[str]:
        """The stems that the question is about without naming them."""
        asked = set(self.stems)
        fitting = [(needed, meant) for needed, meant in ASSOCIATED if needed <= asked]
        return [part for needed, meant in fitting if not self.head or self.head in needed for part in meant]

    @cached_property
    def head(self) -> str:
        """The stem of the first plural, the kind of things that the question asks for; empty if none."""
        plurals = (stem(word) for word in self.words if is_plural(word))
        return next((part for part in plurals if part in self._said), "")

    @cached_property
    def verbs(self) -> frozenset[Verb]:
        """The kinds of verbs in the question."""
        return frozenset(VERBS[part] for part in self.stems if part in VERBS)

    @cached_property
    def quoted(self) -> list[str]:
        """The quoted texts."""
        return ["".join(groups) for groups in _QUOTED.findall(self.text)]

    @cached_property
    def emails(self) -> list[str]:
        """The email addresses."""
        return _EMAIL.findall(self.text)

    @cached_property
    def slugs(self) -> list[str]:
        """The words joined by hyphens or underscores."""
        return _SLUG.findall(self.text)

    @cached_property
    def numbers(self) -> list[float]:
        """The numbers that are words of their own."""
        return [float(number) for number in _NUMBER.findall(self.text)]

    def says(self, text: str) -> bool:
        """Return whether the question contains the words of a text in sequence."""
        wanted = stems(text)
        return any(self.stems[start : start + len(wanted)] == wanted for start in range(len(self.stems))) and bool(
            wanted
        )

    @property
    def counts(self) -> bool:
        """Whether the question asks for a count."""
        return bool(re.search(r"\b(?:how many|count|number of)\b", self.text, re.IGNORECASE))

    @property
    def goes(self) -> bool:
        """Whether the question asks to go to a page."""
        return bool(_GO.search(self.text))

    @property
    def agrees(self) -> bool:
        """Whether the text is a yes."""
        return bool(_YES.match(self.text))

    @property
    def refers_back(self) -> bool:
        """Whether the question refers to something that was said before."""
        follows = re.match(r"\s*(?:and|what about|how about|also)\b", self.text, re.IGNORECASE)
        return bool(follows or _BACK.intersection(self.words) or not self.topics)

    @property
    def name(self) -> str | None:
        """The name that the question gives to a thing."""
        if found := _NAMED.search(self.text):
            return unquoted(found[1])
        return self.quoted[0] if self.quoted else None

    @property
    def change(self) -> Change | None:
        """The change that the question asks for."""
        if found := _RENAME.search(self.text):
            return Change(found["what"], "name", unquoted(found["to"]))
        if found := _CHANGE.search(self.text):
            return Change(found["what"], found["field"].lower(), unquoted(found["to"]))
        return None

    def stated(self, field: str) -> str | None:
        """Return the value that the question states for a field, as in `slug foo`, `description: "…"`, `team = x`."""
        spaced = r"[\s_-]+".join(map(re.escape, words(field)))
        pattern = rf"\b{spaced}\b\s*(?:is|=|:|to be|to|as)?\s*({_WORD})"
        found = re.search(pattern, self.text, re.IGNORECASE)
        value = unquoted(found[1]) if found else ""
        return value if value and value.lower() not in FILLER else None


def unquoted(value: str) -> str:
    """Remove quotation marks and end-of-sentence punctuation from a value."""
    return value.strip().rstrip(".!?").strip("\"'`\u201c\u201d\u2018\u2019 ")
