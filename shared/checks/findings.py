"""The findings of the check, and the installation that is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from shared.settings import Settings

State: TypeAlias = Literal["ok", "warning", "failed"]
Part: TypeAlias = Literal["database", "imbi api", "ui", "model"]

_MAX_LISTED = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the result: the subject, its state, and sentences that say what was found and what to do."""

    check: str
    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class Installation:
    """The settings, and the parts that `serve` embeds because no setting names them."""

    settings: Settings
    embedded: frozenset[Part] = frozenset()
    unknown: tuple[str, ...] = ()
    """Lines about variables that look like settings, and are none."""


Check: TypeAlias = "Callable[[Installation], Coroutine[None, None, Sequence[Finding]]]"
"""A check of one subject; an exception counts as a failure of this check alone."""


def embedded(check: str) -> list[Finding]:
    """Return the finding for a part that is embedded, and is therefore not checked."""
    return [Finding(check, "ok", "It is embedded; `imbi-assistant serve` starts it.")]


def listed(names: Iterable[str]) -> str:
    """Join names for a sentence; after some of them, only their number is said."""
    every = list(names)
    more = len(every) - _MAX_LISTED
    return ", ".join(every[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
