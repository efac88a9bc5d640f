"""Searches for tools that are not offered yet but that a plan needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.demo_model.catalogue import Catalogue
from local.demo_model.conversation import Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.demo_model.conversation import Turn

SEARCH = "search_tools"
"""The tool that searches for tools; the next request offers the ones that it found."""
ABOUT_TOOLS = frozenset({SEARCH, "read_result", "undo_change"})
"""Tools that never answer a question themselves."""
MOST_SEARCHES = 4
"""The highest number of searches in one reply."""


@dataclass(frozen=True)
class PartialCatalogue(Catalogue):
    """The tools that are offered so far; more can be found by searching."""

    searched: frozenset[str] = frozenset()
    """The queries that the conversation has made."""
    wanted: dict[str, None] = field(default_factory=dict)
    """The queries that the plan needs, in order."""

    def note_needed(self, query: str) -> None:
        """Note the query that would find a needed tool."""
        if self.may_find(query):
            self.wanted[query] = None

    def may_find(self, query: str) -> bool:
        """Return whether this query has not been made."""
        return query not in self.searched

    def searches(self) -> list[Call]:
        """Return the searches that must be made before the plan can continue."""
        return [Call(SEARCH, {"query": query}) for query in self.wanted if query][:MOST_SEARCHES]


def searched_in(turns: Sequence[Turn]) -> frozenset[str]:
    """Return the queries of all searches so far, successful or not."""
    calls: Iterable[Call] = (outcome.call for turn in turns for outcome in turn.outcomes)
    return frozenset(str(call.input.get("query")) for call in calls if call.name == SEARCH)
