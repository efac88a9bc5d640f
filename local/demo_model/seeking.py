"""Tools that are not offered yet: noting which a plan would need, and searching for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.demo_model.conversation import Call
from local.demo_model.tools import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.demo_model.conversation import Exchange

SEARCH = "search_tools"
"""The tool that finds others, which the next request offers."""
ABOUT_TOOLS = frozenset({SEARCH, "read_result"})
"""Tools that answer no question by themselves."""
MOST_SEARCHES = 4
"""Searches in one reply."""


@dataclass(frozen=True)
class PartialCatalogue(Catalogue):
    """The tools that are offered so far, where more can be found by searching."""

    searched: frozenset[str] = frozenset()
    """What has been searched for in the conversation."""
    wanted: dict[str, None] = field(default_factory=dict)
    """What to search for, as far as that is known, in its order."""

    def want(self, query: str) -> None:
        """Note that a tool would be needed."""
        if self.may_find(query):
            self.wanted[query] = None

    def may_find(self, query: str) -> bool:
        """Whether it has not been searched for."""
        return query not in self.searched

    def searches(self) -> list[Call]:
        """The searches to be made before the plan can go on."""
        return [Call(SEARCH, {"query": query}) for query in self.wanted if query][:MOST_SEARCHES]


def searched_in(exchanges: Sequence[Exchange]) -> frozenset[str]:
    """What has been searched for, whether or not it was found."""
    calls: Iterable[Call] = (outcome.call for exchange in exchanges for outcome in exchange.outcomes)
    return frozenset(str(call.input.get("query")) for call in calls if call.name == SEARCH)
