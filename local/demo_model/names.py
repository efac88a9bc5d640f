"""The names by which people call things: with and without the kind, in part, misspelled, by a pronoun."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from local.demo_model.grammar import PRONOUNS
from local.demo_model.tool_results import text_of
from local.demo_model.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.demo_model.tool_results import Record

_LABELS = ("name", "slug", "display_name", "email", "id")
_SHORTEST_PART = 4
"""The number of letters from which a part of a name stands for it."""

_SIMILAR = 0.6
"""The likeness from which a name may be meant: 1 is the same."""


def named(records: Sequence[Record], said: str, kind: str) -> Record | None:
    """Return the record that people call so: by a name or slug of it, with or without the kind, or by a unique part."""
    wanted = _plain(said).removesuffix("'s").removesuffix("'")
    short = wanted.removesuffix(f" {kind}").removeprefix(f"{kind} ")
    for text in (wanted, short):
        for record in records:
            if any(text in {_plain(label), plural(_plain(label))} for label in _labels(record)):
                return record
    if kind == "project" or len(short) < _SHORTEST_PART:
        return None
    parts = [record for record in records if any(short in _starts(_plain(label)) for label in _labels(record))]
    return parts[0] if len(parts) == 1 else None


def is_pronoun(said: str) -> bool:
    """Return whether a word refers to a thing that was named before."""
    return said.lower() in PRONOUNS


def first_mentioned(records: Iterable[Record], text: str) -> Record | None:
    """Return the record that a text names first; of two names at one place, the longer one."""
    words = re.sub(r"[^\w&-]+", " ", text)
    plain = f" {_plain(words)} "
    found = [
        (place, -len(label), index, record)
        for index, record in enumerate(records)
        for label in map(_plain, _labels(record))
        if (place := plain.find(f" {label} ")) >= 0
    ]
    return min(found)[3] if found else None


def similar(records: Sequence[Record], said: str) -> list[str]:
    """Return the names that are most similar to a word."""
    names = {_plain(label): label for record in records for label in _labels(record)[:1]}
    return [names[near] for near in get_close_matches(_plain(said), names, 3, _SIMILAR)]


def _plain(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", text.casefold().replace("&", "and"))).strip()


def _labels(record: Record) -> list[str]:
    return [text for label in _LABELS if (text := text_of(record.get(label)))]


def _starts(label: str) -> set[str]:
    """Return a label's words, and the beginnings of the label: "prod" stands for "production"."""
    return {*label.split(), *(label[:end] for end in range(_SHORTEST_PART, len(label)))}
