"""The tool that reads on in a result that was too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.errors import ToolError
from shared.domain.ports import ToolDefinition, ToolOutput
from shared.tools import builtin
from shared.tools.toolset import BaseToolset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import Caller, JsonObject, Principal
    from shared.tools.results.store import ResultStore

READ_RESULT = ToolDefinition(
    name=builtin.READ_RESULT,
    description=(
        "Read on in a result that was cut. The notice at its end says the id and the offset to pass. Only do so when"
        " the rest is really needed: a narrower call of the tool itself costs less."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "The id that the notice gives."},
            "offset": {
                "type": "integer",
                "minimum": 0,
                "description": "Where to go on, as the notice gives it: elements of a list, else characters.",
            },
        },
        "required": ["id", "offset"],
    },
)


class ReadResultToolset(BaseToolset):
    """Returns further pages of the results that this process holds for the caller."""

    def __init__(self, results: ResultStore, limit: int) -> None:
        self._results = results
        self._limit = limit

    def definitions(self, principal: Principal) -> Sequence[ToolDefinition]:  # noqa: ARG002  # the port's signature
        """List the tool, unless results are never cut."""
        return (READ_RESULT,) if self._limit else ()

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        """Return the page that begins at the offset.

        Raises:
            ToolError: the result is no longer stored, or the offset is behind its end.
        """
        call_id, offset = arguments.get("id"), arguments.get("offset")
        if not isinstance(call_id, str) or not isinstance(offset, int):
            raise ToolError("An id and an offset are needed, as the notice of the cut result gives them.")
        text = await self._results.read(caller.principal.subject, call_id, offset, self._limit)
        return ToolOutput(text, is_cut=True)
