"""Finds the records whose names a text mentions, exactly or nearly."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

from local.demo_model.language import FILLER, stems
from local.demo_model.tool_results import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.demo_model.tool_results import Record

_LABELS = ("name", "slug", "display_name", "title", "email", "tag")
_SHORTEST_ID = 6
"""The shortest identifier, in characters, that is looked for inside a text."""
CLOSE = 0.84
"""The similarity, from 0 to 1, from which a word counts as a misspelt name."""
LONGEST_COMPARED = 300
"""The number of characters of a text that are searched for misspelt names."""
SIMILAR = 0.5
"""The similarity, from 0 to 1, from which a name is suggested."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A record that a text names, with the range of words that name it."""

    record: Record
    start: int
    end: int

    @property
    def width(self) -> int:
        """The number of words that name the record."""
        return self.end - self.start


def name_of(record: Record) -> str:
    """Return the name of a record: the first of its naming fields that is set."""
    for label in ("name", "display_name", "title", "tag", "slug", "email", "id"):
        if text := text_of(record.get(label)):
            return text
    return ""


def mentions(text: str, records: Iterable[Record]) -> list[Mention]:
    """Return the records that a text names, in order; a name inside a longer name does not count."""
    parts = stems(text)
    found = [mention for record in records for mention in _mentions_of(record, text, parts)]
    found.sort(key=lambda mention: (-mention.width, mention.start))
    kept: list[Mention] = []
    for mention in found:
        if all(mention.end <= other.start or mention.start >= other.end for other in kept):
            kept.append(mention)
    return sorted(_once(kept), key=lambda mention: mention.start)


def nicknamed(text: str, records: Sequence[Record], noun: Sequence[str]) -> list[Mention]:
    """Return the record that a text names by one word of its name beside its kind, as in "the data team"."""
    parts = stems(text)
    for start in range(len(parts) - len(noun) + 1):
        end = start + len(noun)
        if not noun or parts[start:end] != tuple(noun):
            continue
        for place in (start - 1, end):
            word = parts[place] if 0 <= place < len(parts) else ""
            called = [record for record in records if word in stems(name_of(record))]
            if len(called) == 1 and word not in FILLER:
                return [Mention(called[0], min(place, start), max(place + 1, end))]
    return []


def misspelt(text: str, records: Sequence[Record]) -> Record | None:
    """Return the record whose name a text nearly contains."""
    words = _telling_words(text)
    labels = {label.lower(): record for record in records for label in _labels(record)}
    for width in (3, 2, 1):
        for start in range(len(words) - width + 1):
            near = get_close_matches(" ".join(words[start : start + width]), labels, 1, CLOSE)
            if near:
                return labels[near[0]]
    return None


def similar(text: str, records: Iterable[Record], limit: int = 4) -> list[Record]:
    """Return the records whose names are most similar to a word of a text."""
    words = _telling_words(text)
    scored = [
        (
            max(
                (SequenceMatcher(None, word, label.lower()).ratio() for word in words for label in _labels(record)[:2]),
                default=0,
            ),
            record,
        )
        for record in records
    ]
    near = sorted((pair for pair in scored if pair[0] >= SIMILAR), key=lambda pair: -pair[0])
    return [record for _, record in near[:limit]]


def _telling_words(text: str) -> list[str]:
    """Return the words at the beginning of a text without filler; comparing many words is slow."""
    words = text[:LONGEST_COMPARED].lower().replace("?", " ").replace(",", " ").split()
    return [word for word in words if word not in FILLER]


def _labels(record: Record) -> list[str]:
    return [text for label in _LABELS if (text := text_of(record.get(label)))]


def _mentions_of(record: Record, text: str, parts: Sequence[str]) -> Iterable[Mention]:
    identifier = text_of(record.get("id"))
    if len(identifier) >= _SHORTEST_ID and identifier in text:
        before = len(stems(text[: text.index(identifier)]))
        yield Mention(record, before, before + max(1, len(stems(identifier))))
    for label in {stems(label) for label in _labels(record)}:
        width = len(label)
        for start in range(len(parts) - width + 1):
            if label and tuple(parts[start : start + width]) == label:
                yield Mention(record, start, start + width)


def _once(found: Iterable[Mention]) -> Iterable[Mention]:
    seen: list[Record] = []
    for mention in found:
        if not any(mention.record is record for record in seen):
            seen.append(mention.record)
            yield mention
