"""References to found tools, for models whose API loads the tools that a result refers to.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.tools.search.index import names_in

if TYPE_CHECKING:
    from shared.domain.models import JsonObject
    from shared.domain.ports import ToolOutput


def as_references(output: ToolOutput) -> ToolOutput:
    """Return a search's output as references to the tools that it names; an output that names none stays a text."""
    if not isinstance(output.content, str):
        return output
    references: list[JsonObject] = [{"type": "tool_reference", "tool_name": name} for name in names_in(output.content)]
    return replace(output, content=references) if references else output
