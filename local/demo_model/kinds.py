"""The kinds of things that the demo model knows, and the names by which people call one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing, with the endings of its tools' names."""

    phrase: str
    """The kind as people write it, in the singular."""
    is_scoped: bool = True
    """Whether its tools take the organization."""

    @property
    def tool_noun(self) -> str:
        """The kind in the name of a tool, such as `project_type` in `get_project_type`."""
        return self.phrase.replace(" ", "_")

    @property
    def lister(self) -> str:
        """The name of the tool that lists all things of the kind."""
        return f"list_{plural(self.tool_noun)}"

    @property
    def key(self) -> tuple[str, str]:
        """The parameter that identifies a thing, and the field of a record that has its value."""
        return ("project_id", "id") if self.phrase == "project" else ("slug", "slug")


PROJECT = Kind("project")
TEAM = Kind("team")
ENVIRONMENT = Kind("environment")
PROJECT_TYPE = Kind("project type")
_UNSCOPED = ("organization", "role", "service account", "blueprint", "user")


def kind_named(phrase: str) -> Kind:
    """Return the kind with this name, in the singular or the plural."""
    singular = phrase.lower().removesuffix("s")
    return Kind(singular, is_scoped=singular not in _UNSCOPED)


def named(records: Sequence[Record], said: str, kind: Kind) -> Record | None:
    """Return the record that people call so: by a name or slug of it, with or without the kind, or by a unique part."""
    wanted = _plain(said)
    short = wanted.removesuffix(f" {kind.phrase}").removeprefix(f"{kind.phrase} ")
    for text in (wanted, short):
        for record in records:
            if text in {_plain(label) for label in _labels(record)}:
                return record
    if kind == PROJECT or len(short) < _SHORTEST_PART:
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
    return [names[near] for near in get_close_matches(_plain(said), names, 3, 0.5)]


def _plain(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", text.casefold().replace("&", "and"))).strip()


def _labels(record: Record) -> list[str]:
    return [text for label in _LABELS if (text := text_of(record.get(label)))]


def _starts(label: str) -> set[str]:
    """Return a label's words, and the beginnings of the label: "prod" stands for "production"."""
    return {*label.split(), *(label[:end] for end in range(_SHORTEST_PART, len(label)))}
