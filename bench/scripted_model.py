"""A scripted model for the benchmark: it calls the tools that a question needs, and searches for unseen ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.messages_api.references import referenced_names
from local.messages_api.request import blocks
from shared.tools.search.index import SEARCH_TOOL
from tests.support.model_server import reply, text, tool

if TYPE_CHECKING:
    from bench.questions import Question
    from tests.support.model_reply import Reply
    from tests.support.model_server import ModelServer

_KNOWN = {
    "org_slug": "fernwood",
    "query": "invoices",
    "q": "invoices",
    "slug": "platform",
    "email": "viewer@example.com",
}


@dataclass(slots=True)
class ScriptedModel:
    """A scripted model that answers one question."""

    server: ModelServer
    question: Question
    left: list[str] = field(init=False)
    searches: int = 0
    missed: int = 0

    def __post_init__(self) -> None:
        self.left = list(self.question.tools)
        self.server.script(self.answer)

    def answer(self, body: dict[str, Any]) -> Reply:
        """Reply to a request: call the next tool, search for it, or end the answer."""
        offered = visible_tools(body)
        if self.left and self.left[0] in offered:
            name = self.left.pop(0)
            return self._and_go_on(reply(tool(name, _arguments(offered[name]))))
        if self.left and SEARCH_TOOL.name in offered and self.searches < len(self.question.tools) * 2:
            self.searches += 1
            words = self.left[0].replace("_", " ")
            return self._and_go_on(reply(tool(SEARCH_TOOL.name, {"query": words})))
        self.missed += len(self.left)
        return reply(text("Here is what I found in Imbi, with links to the pages."))

    def _and_go_on(self, said: Reply) -> Reply:
        self.server.script(self.answer)
        return said


def visible_tools(body: dict[str, Any]) -> dict[str, Any]:
    """Return the tools that the model sees in a request: those that are not deferred, and those that were found."""
    found = {name for block in blocks(body) for name in referenced_names(block.value)}
    tools = body.get("tools") or []
    return {each["name"]: each for each in tools if not each.get("defer_loading") or each["name"] in found}


def _arguments(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the required input of a tool; an unknown project gives an error, which is a short result."""
    schema = definition["input_schema"]
    properties = schema.get("properties", {})
    return {name: _value(name, properties.get(name, {})) for name in schema.get("required", [])}


def _value(name: str, schema: dict[str, Any]) -> object:
    if schema.get("enum"):
        return schema["enum"][0]
    return {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}.get(
        schema.get("type", ""), _KNOWN.get(name, "checkout")
    )
