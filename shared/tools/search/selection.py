"""The selection of tools for a request: all if there are few, else the common ones and a search for the others."""

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
"""How tools are found.

`off`: every tool is offered. `client`: our search adds the found tools to the following requests. `references`: our
search returns references to deferred tools. `server`: the API searches the deferred tools.
"""

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
"""The tools that are always offered: our own, and those that most questions need."""
FEW = 30
"""So many tools are all offered, because a search would cost more than it saves."""


def select_tools(definitions: Sequence[ToolDefinition], messages: Sequence[JsonObject], mode: Mode) -> ToolOffer:
    """Select the tools for the request after these messages. Tools that were found stay offered in the conversation."""
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
            # They are in the order in which they were found, so that the beginning of the request stays the same.
            return ToolOffer([*resident, SEARCH_TOOL, *(by_name[name] for name in found)])


def _names_used(messages: Sequence[JsonObject]) -> Iterator[str]:
    """Yield the names of tools that were found or called in a conversation, oldest first."""
    searches = searches_in(messages)
    for block in _all_blocks(messages):
        if block.get("type") == "tool_use":
            yield str(block.get("name"))
        elif block.get("type") == "tool_result" and block.get("tool_use_id") in searches:
            yield from names_in(str(block.get("content")))


def searches_in(messages: Sequence[JsonObject]) -> set[JsonValue]:
    """Return the ids of the calls of our search tool."""
    uses = (block for block in _all_blocks(messages) if block.get("type") == "tool_use")
    return {block.get("id") for block in uses if block.get("name") == SEARCH_TOOL.name}


def _all_blocks(messages: Sequence[JsonObject]) -> Iterator[JsonObject]:
    return (block for message in messages for block in blocks_of(message))
