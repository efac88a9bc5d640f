"""The tool that searches the tools of its caller."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shared.domain.errors import ToolError
from shared.domain.ports import ToolOutput
from shared.tools.search.index import SEARCH_TOOL, ToolIndex, render
from shared.tools.search.selection import RESIDENT
from shared.tools.toolset import BaseToolset

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.domain.models import Caller, JsonObject, Principal
    from shared.domain.ports import ToolDefinition

_MAX_INDEXES = 16


class SearchToolset(BaseToolset):
    """The search tool. It searches the tools that its caller may use."""

    def __init__(self, definitions_of: Callable[[Caller], Sequence[ToolDefinition]]) -> None:
        self._definitions_of = definitions_of
        self._indexes: OrderedDict[tuple[int, ...], ToolIndex] = OrderedDict()

    def definitions(self, principal: Principal) -> Sequence[ToolDefinition]:  # noqa: ARG002  # the port's signature
        """List the search tool."""
        return (SEARCH_TOOL,)

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        """Search, and return one line for each tool that was found.

        Raises:
            ToolError: the query is missing or empty.
        """
        query = arguments.get("query")
        if not isinstance(query, str) or not query.strip():
            raise ToolError("A query is needed: a few words that describe the task.")
        hidden = [each for each in self._definitions_of(caller) if each.name not in {*RESIDENT, SEARCH_TOOL.name}]
        return ToolOutput(render(self._index_of(hidden).search(query)))

    def _index_of(self, definitions: Sequence[ToolDefinition]) -> ToolIndex:
        """Return the index of these definitions. It is built once.

        The key consists of object identities, which stay valid because the index holds the objects.
        """
        key = tuple(map(id, definitions))
        index = self._indexes.pop(key, None) or ToolIndex(definitions)
        self._indexes[key] = index
        if len(self._indexes) > _MAX_INDEXES:
            self._indexes.popitem(last=False)
        return index
