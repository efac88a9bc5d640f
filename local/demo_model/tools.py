"""The tools that a request offers, and the searches for those that it does not offer yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.demo_model.conversation import Call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.demo_model.conversation import Turn
    from local.demo_model.wire import Tool

SEARCH_TOOLS = "search_tools"
"""The tool that searches for tools; the next request offers the ones that it found."""


class ToolMissing(Exception):
    """A plan needs a tool that is not offered. The message says what it does."""


@dataclass(frozen=True)
class Tools:
    """The offered tools by name, and the queries with which the conversation has searched for others."""

    offered: Mapping[str, Tool]
    searched: frozenset[str] = frozenset()

    def name(self, wanted: str) -> str:
        """Return the name under which a tool is offered: its own, or for `mcp:x` that of a server's tool `x`.

        Raises:
            ToolMissing: it is not offered.
        """
        if wanted in self.offered:
            return wanted
        ending = wanted.removeprefix("mcp:")
        if ending != wanted:
            for name in self.offered:
                if name.startswith("mcp_") and name.endswith(f"_{ending}"):
                    return name
        raise ToolMissing(ending.replace("_", " "))

    def has(self, wanted: str) -> bool:
        """Return whether a tool is offered."""
        return wanted in self.offered

    def search(self, query: str) -> Call | None:
        """Return the call that searches for a tool; None if there is no search, or it has been made."""
        if SEARCH_TOOLS not in self.offered or query in self.searched:
            return None
        return Call(SEARCH_TOOLS, {"query": query})

    @property
    def servers(self) -> list[str]:
        """The prefixes of the external servers whose tools are offered."""
        found = [re.match(r"mcp_([^_]+)_", name) for name in self.offered]
        return sorted({prefix[1] for prefix in found if prefix})


def searched_in(turns: Sequence[Turn]) -> frozenset[str]:
    """Return the queries of all searches for tools so far, successful or not."""
    calls = [outcome.call for turn in turns for outcome in turn.outcomes]
    return frozenset(str(call.input.get("query")) for call in calls if call.name == SEARCH_TOOLS)
