"""Which tools the model sees: all of a few, or of many a handful and a search for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from shared.domain.content_blocks import blocks_of
from shared.domain.ports import ToolOffer
from shared.tools.builtin import NAVIGATE_TO, READ_RESULT, REFRESH_DATA, REFRESH_OPENAPI_SPEC
from shared.tools.search.index import SEARCH_TOOL, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.domain.ports import ToolDefinition

Mode: TypeAlias = Literal["off", "client", "references", "server"]
"""How tools are found: all are shown; our search loads them; our search refers to them; the API searches."""

RESIDENT = frozenset(
    {
        NAVIGATE_TO,
        REFRESH_DATA,
        REFRESH_OPENAPI_SPEC,
        READ_RESULT,
        "list_organizations",
        "list_projects",
        "get_project",
        "list_teams",
    }
)
"""What most questions need, and what is ours."""
FEW = 30
"""Up to so many tools are all shown: a search would cost more than it saves."""


def select_tools(definitions: Sequence[ToolDefinition], messages: Sequence[JsonObject], mode: Mode) -> ToolOffer:
    """Choose what the model sees after these messages. What was found in a conversation stays loaded in it."""
    others = [each for each in definitions if each.name != SEARCH_TOOL.name]
    if mode == "off" or len(others) <= FEW:
        return ToolOffer(others)
    resident = [each for each in others if each.name in RESIDENT]
    rest = [each for each in others if each.name not in RESIDENT]
    match mode:
        case "server":
            return ToolOffer(resident, deferred=rest, is_searched_by_api=True)
        case "references":
            return ToolOffer([*resident, SEARCH_TOOL], deferred=rest)
        case _:
            by_name = {each.name: each for each in rest}
            found = dict.fromkeys(name for name in _names_used(messages) if name in by_name)
            # In the order in which they were found, so that what comes before them stays as it was.
            return ToolOffer([*resident, SEARCH_TOOL, *(by_name[name] for name in found)])


def _names_used(messages: Sequence[JsonObject]) -> Iterator[str]:
    """Name the tools that were found or called in a conversation, oldest first."""
    searches = searches_in(messages)
    for block in _all_blocks(messages):
        if block.get("type") == "tool_use":
            yield str(block.get("name"))
        elif block.get("type") == "tool_result" and block.get("tool_use_id") in searches:
            yield from names_in(str(block.get("content")))


def searches_in(messages: Sequence[JsonObject]) -> set[JsonValue]:
    """Return the ids of the calls of our search."""
    uses = (block for block in _all_blocks(messages) if block.get("type") == "tool_use")
    return {block.get("id") for block in uses if block.get("name") == SEARCH_TOOL.name}


def _all_blocks(messages: Sequence[JsonObject]) -> Iterator[JsonObject]:
    return (block for message in messages for block in blocks_of(message))
