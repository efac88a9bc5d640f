"""References to found tools, for models whose API loads the tools that a tool result refers to.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.domain.content_blocks import blocks_of
from shared.tools.search.index import names_in
from shared.tools.search.selection import searches_in

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pydantic import JsonValue

    from shared.domain.events import ModelEvent
    from shared.domain.models import JsonObject
    from shared.domain.ports import Model, ModelRequest


class ToolReferenceModel:
    """Wraps a model whose API accepts tool references: results of our search are sent as references."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream a reply. The results of our search are sent as references to the tools that were found."""
        deferred = {each.name for each in request.offer.deferred}
        searches = searches_in(request.messages) if deferred else set()
        messages = [_with_references(message, searches, deferred) for message in request.messages]
        async with aclosing(self._model.reply(replace(request, messages=messages))) as events:
            async for event in events:
                yield event

    async def aclose(self) -> None:
        """Do nothing: other turns use the model."""


def _with_references(message: JsonObject, searches: set[JsonValue], deferred: set[str]) -> JsonObject:
    if message["role"] != "user":
        return message
    content: list[JsonValue] = []
    for block in blocks_of(message):
        names = [name for name in names_in(str(block.get("content"))) if name in deferred]
        if names and block.get("type") == "tool_result" and block.get("tool_use_id") in searches:
            content.append({**block, "content": [{"type": "tool_reference", "tool_name": name} for name in names]})
        else:
            content.append(block)
    return {**message, "content": content}
