"""The names of our own tools, which no tool of the API or of an external server may take."""

from __future__ import annotations

from typing import Final

NAVIGATE_TO: Final = "navigate_to"
REFRESH_DATA: Final = "refresh_data"
REFRESH_OPENAPI_SPEC: Final = "refresh_openapi_spec"
SEARCH_TOOLS: Final = "search_tools"
READ_RESULT: Final = "read_result"
CALL_TOOL: Final = "call_tool"
SEARCH_MY_CONVERSATIONS: Final = "search_my_conversations"
READ_MY_CONVERSATION: Final = "read_my_conversation"
UNDO_CHANGE: Final = "undo_change"

BUILTIN_NAMES: Final = frozenset(
    {
        NAVIGATE_TO,
        REFRESH_DATA,
        REFRESH_OPENAPI_SPEC,
        SEARCH_TOOLS,
        READ_RESULT,
        CALL_TOOL,
        SEARCH_MY_CONVERSATIONS,
        READ_MY_CONVERSATION,
        UNDO_CHANGE,
    }
)
