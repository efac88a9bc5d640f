"""Which tools the model sees: all of a few, or of many a handful and a search for the others."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from shared.agent.ports import ToolOffer, ToolOutput
from shared.errors import ToolError
from shared.tools.search import SEARCH_TOOL, ToolIndex, names_in, render

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

    from pydantic import JsonValue

    from shared.agent.events import ModelEvent
    from shared.agent.ports import Model, ModelRequest, ToolDefinition
    from shared.models import Caller, JsonObject, Principal

Mode: TypeAlias = Literal["off", "client", "references", "server"]
"""How tools are found: all are shown; our search loads them; our search refers to them; the API searches."""

RESIDENT = frozenset(
    {
        "navigate_to",
        "refresh_data",
        "refresh_openapi_spec",
        "read_result",
        "list_organizations",
        "list_projects",
        "get_project",
        "list_teams",
    }
)
"""What most questions need, and what is ours."""
FEW = 30
"""Up to so many tools are all shown: a search would cost more than it saves."""
_MOST_INDEXES = 16


def offer(definitions: Sequence[ToolDefinition], messages: Sequence[JsonObject], mode: Mode) -> ToolOffer:
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
    searches = _searches(messages)
    for block in _blocks(messages):
        if block.get("type") == "tool_use":
            yield str(block.get("name"))
        elif block.get("type") == "tool_result" and block.get("tool_use_id") in searches:
            yield from names_in(str(block.get("content")))


def _searches(messages: Sequence[JsonObject]) -> set[JsonValue]:
    uses = (block for block in _blocks(messages) if block.get("type") == "tool_use")
    return {block.get("id") for block in uses if block.get("name") == SEARCH_TOOL.name}


def _blocks(messages: Sequence[JsonObject]) -> Iterator[JsonObject]:
    for message in messages:
        content = message["content"]
        yield from (block for block in content if isinstance(block, dict)) if isinstance(content, list) else ()


def _referring(message: JsonObject, searches: set[JsonValue], deferred: set[str]) -> JsonObject:
    if message["role"] != "user":
        return message
    content: list[JsonValue] = []
    for block in _blocks([message]):
        names = [name for name in names_in(str(block.get("content"))) if name in deferred]
        if names and block.get("type") == "tool_result" and block.get("tool_use_id") in searches:
            content.append({**block, "content": [{"type": "tool_reference", "tool_name": name} for name in names]})
        else:
            content.append(block)
    return {**message, "content": content}


class ReferringModel:
    """A model whose API takes references to tools: what our search has found is referred to, and so loaded by it."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream a reply to messages in which the search's results are references."""
        deferred = {each.name for each in request.offer.deferred}
        searches = _searches(request.messages) if deferred else set()
        messages = [_referring(message, searches, deferred) for message in request.messages]
        async with aclosing(self._model.reply(replace(request, messages=messages))) as events:
            async for event in events:
                yield event

    async def aclose(self) -> None:
        """Leave the model open: other turns use it."""


class SearchToolset:
    """The search tool: finds among all tools that its caller may use."""

    in_browser = False

    def __init__(self, definitions_of: Callable[[Caller], Sequence[ToolDefinition]]) -> None:
        self._definitions_of = definitions_of
        self._indexes: OrderedDict[tuple[int, ...], ToolIndex] = OrderedDict()

    async def ensure_loaded(self) -> None:
        """Do nothing: it is always there."""

    def definitions(self, principal: Principal) -> Sequence[ToolDefinition]:  # noqa: ARG002  # the port's signature
        """List the one tool."""
        return (SEARCH_TOOL,)

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        """Search.

        Raises:
            ToolError: there is no query.
        """
        query = arguments.get("query")
        if not isinstance(query, str) or not query.strip():
            raise ToolError("A query is needed: a few words that say what is to be done.")
        hidden = [each for each in self._definitions_of(caller) if each.name not in {*RESIDENT, SEARCH_TOOL.name}]
        return ToolOutput(render(self._index_of(hidden).search(query)))

    def _index_of(self, definitions: Sequence[ToolDefinition]) -> ToolIndex:
        """Give the index of these very definitions, made once; it holds them, so their identities stay theirs."""
        key = tuple(map(id, definitions))
        index = self._indexes.pop(key, None) or ToolIndex(definitions)
        self._indexes[key] = index
        if len(self._indexes) > _MOST_INDEXES:
            self._indexes.popitem(last=False)
        return index

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""
