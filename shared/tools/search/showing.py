"""The tools that a call's output shows to the model: found ones, and the one that undoes what the call changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.tools.builtin import UNDO_CHANGE
from shared.tools.search.indirect import described
from shared.tools.search.references import as_references

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.domain.ports import ToolDefinition, ToolOutput
    from shared.domain.requests import SearchMode


class Showing:
    """Shows tools in the way that the conversation's mode has."""

    def __init__(self, mode: SearchMode, *, sees_undo: bool) -> None:
        self._mode = mode
        self._sees_undo = sees_undo

    def shown(
        self, output: ToolOutput, definitions: Callable[[], Sequence[ToolDefinition]], *, keeps_text: bool
    ) -> ToolOutput:
        """Return an output that gives the model the tools which it found; `keeps_text` keeps its text as well."""
        output = self._with_undo(output)
        if self._mode == "references":
            return as_references(output, keeps_text=keeps_text)
        return described(output, definitions()) if self._mode == "indirect" else output

    def _with_undo(self, output: ToolOutput) -> ToolOutput:
        """Show the tool for undoing, once there is something to undo."""
        if self._sees_undo or output.receipt is None or output.receipt.obstacle:
            return output
        self._sees_undo = True
        return replace(output, found=(*output.found, UNDO_CHANGE))
