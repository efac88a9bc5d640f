"""References to found tools, for models whose API loads the tools that a result refers to.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.domain.content_blocks import text_block

if TYPE_CHECKING:
    from shared.domain.models import JsonObject
    from shared.domain.ports import ToolOutput


def as_references(output: ToolOutput, *, keeps_text: bool = False) -> ToolOutput:
    """Return an output as references to the tools that it found, behind its text or in its place."""
    if not output.found or not isinstance(output.content, str):
        return output
    references: list[JsonObject] = [{"type": "tool_reference", "tool_name": name} for name in output.found]
    return replace(output, content=[text_block(output.content), *references] if keeps_text else references)
