"""Filters, ranks and counts the records of a list as a question asks: by references, by numbers, by groups."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from local.demo_model.language import singular, stem, stems, words
from local.demo_model.name_matching import mentions, name_of, nicknamed
from local.demo_model.tool_results import text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pydantic import JsonValue

    from local.demo_model.question import Question
    from local.demo_model.tool_results import Record

_OWN = frozenset(
    {"id", "name", "slug", "title", "description", "tag", "email", "display_name", "icon", "notes", "links"}
)
"""Fields that describe a record itself and refer to nothing else."""
_NOT = frozenset({"not", "without", "non", "except", "isn", "aren", "no"})
_REACH = 3
"""The number of words before a value in which a negation counts."""
_GROUP = re.compile(
    r"\b(?:per|for each|in each|of each|grouped by|(?<!ed )(?<!en )(?<!ne )by(?! the\b| an?\b))\s+([\w -]+)",
    re.IGNORECASE,
)
"""Matches a request to group; `owned by`, `written by` and `done by` are not one."""
_BOUND = re.compile(
    r"([\w-]+)\s+(?:is\s+|of\s+)?(below|under|less than|lower than|at most|above|over|more than|higher than|at least"
    r"|[<>]=?)\s*(-?\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_HIGHEST = frozenset({"highest", "best", "top", "most", "largest", "biggest"})
_LOWEST = frozenset({"lowest", "worst", "bottom", "least", "smallest", "fewest"})


@dataclass(frozen=True, slots=True)
class Selection:
    """Selected records, the reasons for the selection, and the stems of the question that the reasons explain."""

    records: Sequence[Record]
    reasons: Sequence[str] = ()
    explained: frozenset[str] = field(default_factory=frozenset)

    def with_reasons(self, reasons: Sequence[str], explained: frozenset[str] = frozenset()) -> Selection:
        """Return the same records with additional reasons, which come first."""
        return replace(self, reasons=[*reasons, *self.reasons], explained=self.explained | explained)


def select(question: Question, records: Sequence[Record], done: Collection[str] = ()) -> Selection:
    """Select the records that refer to the things in the question and lie within its bounds.

    The names and slugs in `done` are skipped: the records have been filtered by them already.
    """
    chosen = _by_facets(question, Selection(records), done)
    chosen = _by_bounds(question, chosen)
    return _by_rank(question, chosen)


def with_words(chosen: Selection, words: Sequence[str]) -> Selection:
    """Select the records whose texts have all the words; if there are none, keep all records."""
    wanted = set(words)
    kept = [record for record in chosen.records if wanted <= set(stems(" ".join(map(text_of, record.values()))))]
    if not wanted or not kept:
        return chosen
    said = f"name or description has **{' '.join(words)}**"
    return replace(chosen, records=kept, reasons=[*chosen.reasons, said], explained=chosen.explained | wanted)


def group_field(question: Question, records: Sequence[Record]) -> str | None:
    """Return the field by which the question asks to group the records."""
    found = _GROUP.search(question.text)
    if found is None:
        return None
    wanted = stems(found[1])
    keys = dict.fromkeys(key for record in records for key in record)
    for width in range(len(wanted), 0, -1):
        for key in keys:
            if stems(key) == wanted[:width]:
                return key
    return next((key for key in keys if wanted and wanted[0] in stems(key)), None)


def wanted_group(question: Question) -> tuple[str, ...]:
    """Return the words after "per" or "by" in the question, even if the records have no such field."""
    found = _GROUP.search(question.text)
    return stems(found[1]) if found else ()


def count_by(records: Sequence[Record], key: str) -> list[Record]:
    """Count records by the values of a field, most frequent first."""
    counts = Counter(value for record in records for value in _values(record.get(key)))
    return [{"name": value, "count": count} for value, count in counts.most_common()]


def is_negated(question: Question, value: str) -> bool:
    """Return whether a negation stands shortly before a value in the question."""
    wanted = stems(value)
    for start in range(len(question.stems)):
        if question.stems[start : start + len(wanted)] == wanted:
            return bool(_NOT.intersection(question.words[max(0, start - _REACH) : start]))
    return False


def _by_facets(question: Question, chosen: Selection, done: Collection[str]) -> Selection:
    labels = list(_labels(chosen.records))
    named = mentions(question.text, [label for _, label in labels])
    for key in dict.fromkeys(key for key, _ in labels):
        called = nicknamed(question.text, [label for other, label in labels if other == key], stems(_spoken(key)))
        named += [
            mention for mention in called if name_of(mention.record) not in {name_of(each.record) for each in named}
        ]
    for mention in named:
        if name_of(mention.record) in done:
            continue
        key = _nearest_key(question, [key for key, label in labels if name_of(label) == name_of(mention.record)])
        name = name_of(mention.record)
        negated = is_negated(question, name)
        kept = [record for record in chosen.records if (name in _values(record.get(key))) != negated]
        said = f"{_spoken(key)} {'is not' if negated else 'is'} **{name}**"
        explained = (
            chosen.explained | set(stems(name)) | set(stems(text_of(mention.record.get("slug")))) | set(stems(key))
        )
        chosen = Selection(kept, [*chosen.reasons, said], explained)
    return chosen


def _labels(records: Sequence[Record]) -> Iterator[tuple[str, Record]]:
    """Yield each pair of a field and the thing that it refers to, once."""
    seen: set[tuple[str, str]] = set()
    for record in records:
        for key, value in record.items():
            if key in _OWN or key.endswith("_id"):
                continue
            for label in _things(value):
                if (key, name_of(label)) not in seen:
                    seen.add((key, name_of(label)))
                    yield key, label


def _things(value: JsonValue) -> list[Record]:
    if isinstance(value, dict) and name_of(value):
        return [value]
    if isinstance(value, list):
        return [thing for item in value for thing in _things(item)]
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w .@+-]{1,60}", value):
        return [{"name": value}]
    return []


def _values(value: JsonValue) -> list[str]:
    if isinstance(value, bool | int | float):
        return [str(value).lower()]
    return [name_of(thing) for thing in _things(value)]


def _nearest_key(question: Question, keys: Sequence[str]) -> str:
    """Return the field that the question names, of several fields with the same value."""
    return next((key for key in keys if set(stems(key)) & set(question.stems)), keys[0])


def _by_bounds(question: Question, chosen: Selection) -> Selection:
    for word, relation, limit in _BOUND.findall(question.text):
        key = _number_field(chosen.records, stem(word.lower()))
        if key is None:
            continue
        bound = float(limit)
        kept = [record for record in chosen.records if _holds(record.get(key), relation.lower(), bound)]
        said = f"{_spoken(key)} is {relation} **{limit}**"
        chosen = Selection(
            kept, [*chosen.reasons, said], chosen.explained | {stem(word.lower())} | set(stems(relation))
        )
    return chosen


def _holds(value: JsonValue, relation: str, bound: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if relation in {"at most", "<="}:
        return value <= bound
    if relation in {"at least", ">="}:
        return value >= bound
    return value < bound if relation in {"below", "under", "less than", "lower than", "<"} else value > bound


def _by_rank(question: Question, chosen: Selection) -> Selection:
    high, low = _HIGHEST.intersection(question.words), _LOWEST.intersection(question.words)
    key = next((key for part in question.stems if (key := _number_field(chosen.records, part))), None)
    if key is None or not (high or low):
        return chosen
    rated = [record for record in chosen.records if isinstance(record.get(key), int | float)]
    rated.sort(key=lambda record: float(str(record[key])), reverse=bool(high))
    limit = next((int(number) for number in question.numbers if number >= 1), 5)
    said = f"{_spoken(key)} is {'highest' if high else 'lowest'}"
    explained = chosen.explained | {stem(word) for word in high | low} | set(stems(key))
    return Selection(rated[:limit], [*chosen.reasons, said], explained)


def _number_field(records: Sequence[Record], part: str) -> str | None:
    for record in records[:5]:
        for key, value in record.items():
            if isinstance(value, int | float) and not isinstance(value, bool) and part in stems(key):
                return key
    return None


def _spoken(key: str) -> str:
    return " ".join(singular(word) for word in words(key.removesuffix("_slug")))
