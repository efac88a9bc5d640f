"""The search tool."""

from __future__ import annotations

import pytest

from shared.domain.errors import ToolError
from shared.domain.models import Caller, JsonObject, Principal
from shared.domain.ports import ToolDefinition
from shared.tools.search.index import SEARCH_TOOL
from shared.tools.search.toolset import SearchToolset

CALLER = Caller(Principal("a@example.com", "A"), "token")


def definition(name: str) -> ToolDefinition:
    return ToolDefinition(name, f"Does what {name} says.", {"type": "object", "properties": {}})


MANY = [definition("list_projects"), SEARCH_TOOL, *(definition(f"tool_{i}") for i in range(30))]


@pytest.mark.proves("costs.search")
@pytest.mark.parametrize("arguments", [{}, {"query": "  "}, {"query": 3}])
async def test_a_search_for_nothing_is_refused(arguments: JsonObject) -> None:
    toolset = SearchToolset(lambda _caller: MANY)
    await toolset.ensure_loaded()
    with pytest.raises(ToolError, match="query"):
        await toolset.call("search_tools", arguments, CALLER)
    await toolset.aclose()


@pytest.mark.proves("costs.search")
async def test_the_index_is_made_anew_for_other_tools_and_bounded() -> None:
    tools = list(MANY)
    toolset = SearchToolset(lambda _caller: tools)
    fruits = (
        "apple banana cherry date elder fig grape hazel iris juniper kiwi lemon mango nutmeg olive pear quince rose"
    )
    for fruit in fruits.split():
        tools.append(definition(f"peel_{fruit}"))
        output = await toolset.call("search_tools", {"query": f"peel {fruit}"}, CALLER)
        assert f"- peel_{fruit}: " in str(output.content)
