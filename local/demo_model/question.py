"""What can be understood of a question without any tool: its words, its literals, what kind of thing is asked."""

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
    """A field of a thing that is to have another value."""

    what: str
    field: str
    value: str


@dataclass(frozen=True)
class Question:
    """A user's words."""

    text: str

    @cached_property
    def words(self) -> list[str]:
        """Its words in lower case."""
        return words(self.text)

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Its words' stems, filler included."""
        return tuple(stem(word) for word in self.words)

    @cached_property
    def topics(self) -> list[str]:
        """The stems that say what it is about: no filler, no verbs of finding and doing."""
        return self._said + [part for part in self.associations if part not in self._said]

    @cached_property
    def _said(self) -> list[str]:
        kept = (stem(word) for word in words(_GO.sub(" ", self.text)) if word not in FILLER)
        return [part for part in kept if part not in FILLER and part not in VERBS]

    @cached_property
    def associations(self) -> list[str]:
        """The stems that it is about without saying so."""
        asked = set(self.stems)
        fitting = [(needed, meant) for needed, meant in ASSOCIATED if needed <= asked]
        return [part for needed, meant in fitting if not self.head or self.head in needed for part in meant]

    @cached_property
    def head(self) -> str:
        """The stem of the first plural: what kind of things it asks for, if it asks for many."""
        plurals = (stem(word) for word in self.words if is_plural(word))
        return next((part for part in plurals if part in self._said), "")

    @cached_property
    def verbs(self) -> frozenset[Verb]:
        """What it asks to be done."""
        return frozenset(VERBS[part] for part in self.stems if part in VERBS)

    @cached_property
    def quoted(self) -> list[str]:
        """What stands in quotation marks."""
        return ["".join(groups) for groups in _QUOTED.findall(self.text)]

    @cached_property
    def emails(self) -> list[str]:
        """E-mail addresses."""
        return _EMAIL.findall(self.text)

    @cached_property
    def slugs(self) -> list[str]:
        """Words joined by hyphens or underscores."""
        return _SLUG.findall(self.text)

    @cached_property
    def numbers(self) -> list[float]:
        """Numbers that stand alone."""
        return [float(number) for number in _NUMBER.findall(self.text)]

    def says(self, text: str) -> bool:
        """Whether it has a text's words, one after the other."""
        wanted = stems(text)
        return any(self.stems[start : start + len(wanted)] == wanted for start in range(len(self.stems))) and bool(
            wanted
        )

    @property
    def counts(self) -> bool:
        """Whether it asks for a number of things."""
        return bool(re.search(r"\b(?:how many|count|number of)\b", self.text, re.IGNORECASE))

    @property
    def goes(self) -> bool:
        """Whether it asks to be taken to a page."""
        return bool(_GO.search(self.text))

    @property
    def agrees(self) -> bool:
        """Whether it is a yes."""
        return bool(_YES.match(self.text))

    @property
    def refers_back(self) -> bool:
        """Whether it can only be understood with what was said before."""
        follows = re.match(r"\s*(?:and|what about|how about|also)\b", self.text, re.IGNORECASE)
        return bool(follows or _BACK.intersection(self.words) or not self.topics)

    @property
    def name(self) -> str | None:
        """The name that it gives to something."""
        if found := _NAMED.search(self.text):
            return unquoted(found[1])
        return self.quoted[0] if self.quoted else None

    @property
    def change(self) -> Change | None:
        """The change that it asks for."""
        if found := _RENAME.search(self.text):
            return Change(found["what"], "name", unquoted(found["to"]))
        if found := _CHANGE.search(self.text):
            return Change(found["what"], found["field"].lower(), unquoted(found["to"]))
        return None

    def stated(self, field: str) -> str | None:
        """The value that it gives for a field, as in `slug foo`, `description: "…"`, `team = x`."""
        spaced = r"[\s_-]+".join(map(re.escape, words(field)))
        pattern = rf"\b{spaced}\b\s*(?:is|=|:|to be|to|as)?\s*({_WORD})"
        found = re.search(pattern, self.text, re.IGNORECASE)
        value = unquoted(found[1]) if found else ""
        return value if value and value.lower() not in FILLER else None


def unquoted(value: str) -> str:
    """Take the quotation marks and a sentence's end off a value."""
    return value.strip().rstrip(".!?").strip("\"'`\u201c\u201d\u2018\u2019 ")
