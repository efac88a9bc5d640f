"""The tools that a call's output shows to the model: found ones, and the one that undoes what the call changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from shared.domain.content_blocks import text_block
from shared.domain.ports import ToolOutput
from shared.tools.builtin import UNDO_CHANGE
from shared.tools.search.indirect import described
from shared.tools.search.references import as_references

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.domain.models import JsonObject
    from shared.domain.ports import ToolDefinition
    from shared.domain.receipts import Receipt
    from shared.domain.requests import SearchMode

Content: TypeAlias = "str | list[JsonObject]"


class Showing:
    """Shows tools in the way that the conversation's mode has."""

    def __init__(self, mode: SearchMode, *, sees_undo: bool) -> None:
        self._mode = mode
        self._sees_undo = sees_undo

    def shown(
        self, output: ToolOutput, definitions: Callable[[], Sequence[ToolDefinition]], *, keeps_text: bool
    ) -> ToolOutput:
        """Return an output that gives the model the tools which it found; `keeps_text` keeps its text as well."""
        if self._mode == "references":
            return as_references(output, keeps_text=keeps_text)
        return described(output, definitions()) if self._mode == "indirect" else output

    def with_undo(
        self, content: Content, receipt: Receipt | None, definitions: Callable[[], Sequence[ToolDefinition]]
    ) -> Content:
        """Add the tool for undoing to a result's content, once there is something to undo."""
        if self._sees_undo or receipt is None or receipt.obstacle:
            return content
        self._sees_undo = True
        blocks = [text_block(content)] if isinstance(content, str) else content
        shown = self.shown(ToolOutput("", found=(UNDO_CHANGE,)), definitions, keeps_text=False).content
        if isinstance(shown, list):
            return [*blocks, *shown]
        return [*blocks, text_block(shown.strip())] if shown else content
