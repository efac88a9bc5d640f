"""The tool that reads on in a result that was too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.errors import ToolError
from shared.domain.ports import ToolOutput
from shared.tools.results.store import READ_RESULT
from shared.tools.toolset import BaseToolset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import Caller, JsonObject, Principal
    from shared.domain.ports import ToolDefinition
    from shared.tools.results.store import KeptResults


class ReadingToolset(BaseToolset):
    """Gives the rest of what this process has kept for its caller."""

    def __init__(self, results: KeptResults, limit: int) -> None:
        self._results = results
        self._limit = limit

    def definitions(self, principal: Principal) -> Sequence[ToolDefinition]:  # noqa: ARG002  # the port's signature
        """List the one tool, unless results are never cut."""
        return (READ_RESULT,) if self._limit else ()

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        """Read on.

        Raises:
            ToolError: the result is no longer kept, or there is nothing behind the offset.
        """
        call_id, offset = arguments.get("id"), arguments.get("offset")
        if not isinstance(call_id, str) or not isinstance(offset, int):
            raise ToolError("An id and an offset are needed, as the notice of the cut result gives them.")
        text = self._results.read(caller.principal.subject, call_id, offset, self._limit)
        return ToolOutput(text, is_cut=True)
