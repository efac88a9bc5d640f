"""The selection of tools for a request, in each mode of the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain.errors import ToolError
from shared.domain.events import Reply, ReplyFinished
from shared.domain.models import Caller, JsonObject, Principal, Usage
from shared.domain.ports import ModelRequest, SystemPrompt, ToolDefinition, ToolOffer
from shared.tools.search.index import SEARCH_TOOL, render
from shared.tools.search.references import ToolReferenceModel
from shared.tools.search.selection import FEW, select_tools
from shared.tools.search.toolset import SearchToolset

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.domain.events import ModelEvent

CALLER = Caller(Principal("a@example.com", "A"), "token")


def definition(name: str) -> ToolDefinition:
    return ToolDefinition(name, f"Does what {name} says.", {"type": "object", "properties": {}})


MANY = [definition("list_projects"), SEARCH_TOOL, *(definition(f"tool_{i}") for i in range(FEW))]


def searched(*names: str) -> list[JsonObject]:
    found = [each for each in MANY if each.name in names]
    return [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "search_tools", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": render(found)}]},
    ]


class Listener:
    """A model that keeps its requests."""

    def __init__(self) -> None:
        self.requests: list[ModelRequest] = []

    async def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        yield ReplyFinished(Reply((), "end_turn", Usage()))

    async def aclose(self) -> None:
        raise AssertionError("other turns use it")


@pytest.mark.proves("costs.search")
def test_few_tools_are_all_offered() -> None:
    few = MANY[: FEW + 1]
    assert select_tools(few, [], "client") == ToolOffer([each for each in few if each != SEARCH_TOOL])


@pytest.mark.proves("costs.search")
def test_found_tools_are_offered_in_the_order_in_which_they_were_found() -> None:
    shown = select_tools(MANY, [*searched("tool_7"), *searched("tool_3")], "client")
    assert [each.name for each in shown.tools] == ["list_projects", "search_tools", "tool_7", "tool_3"]
    assert shown.deferred == ()


@pytest.mark.proves("costs.search-by-the-api")
def test_other_tools_are_deferred_if_the_api_accepts_references() -> None:
    shown = select_tools(MANY, searched("tool_7"), "references")
    assert [each.name for each in shown.tools] == ["list_projects", "search_tools"]
    assert len(shown.deferred) == FEW
    assert not shown.is_searched_by_api


@pytest.mark.proves("costs.search-by-the-api")
async def test_results_of_the_search_become_references() -> None:
    listener = Listener()
    model = ToolReferenceModel(listener)
    messages = searched("tool_7", "tool_3")
    request = ModelRequest("m", 1, SystemPrompt("s", "p"), messages, select_tools(MANY, messages, "references"))
    assert [event async for event in model.reply(request)]
    await model.aclose()
    [sent] = listener.requests
    content = sent.messages[2]["content"]
    assert isinstance(content, list)
    references = [{"type": "tool_reference", "tool_name": name} for name in ("tool_3", "tool_7")]
    assert content == [{"type": "tool_result", "tool_use_id": "t1", "content": references}]
    assert sent.messages[:2] == messages[:2]


@pytest.mark.proves("costs.search")
@pytest.mark.parametrize("arguments", [{}, {"query": "  "}, {"query": 3}])
async def test_a_search_without_a_query_is_refused(arguments: JsonObject) -> None:
    toolset = SearchToolset(lambda _caller: MANY)
    await toolset.ensure_loaded()
    with pytest.raises(ToolError, match="query"):
        await toolset.call("search_tools", arguments, CALLER)
    await toolset.aclose()


@pytest.mark.proves("costs.search")
async def test_the_index_is_rebuilt_for_other_tools_and_the_number_of_indexes_is_limited() -> None:
    tools = list(MANY)
    toolset = SearchToolset(lambda _caller: tools)
    fruits = (
        "apple banana cherry date elder fig grape hazel iris juniper kiwi lemon mango nutmeg olive pear quince rose"
    )
    for fruit in fruits.split():
        tools.append(definition(f"peel_{fruit}"))
        output = await toolset.call("search_tools", {"query": f"peel {fruit}"}, CALLER)
        assert f"- peel_{fruit}: " in str(output.content)
