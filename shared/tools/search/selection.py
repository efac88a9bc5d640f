"""The tools that the model sees from the start where there are many; a search finds the others."""

from __future__ import annotations

from shared.tools.builtin import (
    CALL_TOOL,
    NAVIGATE_TO,
    READ_RESULT,
    REFRESH_DATA,
    REFRESH_OPENAPI_SPEC,
    SEARCH_TOOLS,
)

RESIDENT = frozenset(
    {
        NAVIGATE_TO,
        REFRESH_DATA,
        REFRESH_OPENAPI_SPEC,
        READ_RESULT,
        SEARCH_TOOLS,
        CALL_TOOL,
        "list_organizations",
        "list_projects",
        "get_project",
        "list_teams",
    }
)
"""Our own tools, and those of the API that most questions need."""
