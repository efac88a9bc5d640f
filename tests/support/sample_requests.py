"""Requests to the Messages API, for the tests of the servers that stand in for it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import anthropic
    from anthropic.types import MessageParam

MODEL = "claude-sonnet-4-6"
HEADERS = {"x-api-key": "key", "anthropic-version": "2026-10-21"}
HELLO: MessageParam = {"role": "user", "content": "Hello"}
TOOL = {"name": "list_projects", "description": "Lists.", "input_schema": {"type": "object", "properties": {}}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "list_projects", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "80"}


def request(*messages: Any, **fields: Any) -> dict[str, Any]:
    """Return a request of its own, with which a test may do anything."""
    return copy.deepcopy({"model": MODEL, "max_tokens": 100, "messages": list(messages) or [HELLO], **fields})


async def final(sdk: anthropic.AsyncAnthropic, *messages: Any, **fields: Any) -> anthropic.types.Message:
    async with sdk.messages.stream(**request(*messages, **fields)) as stream:
        return await stream.get_final_message()
