"""The rules about references to tools and about deferred tools. Page: "Tool search tool"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.messages_api.models import rules_of
from local.messages_api.request import blocks, inner_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Body


def references_are_known(body: Body) -> Iterator[str]:
    """A reference names a tool of the request; the API expands each one again with every request."""
    known = {tool.get("name") for tool in body.get("tools") or []}
    for block in blocks(body):
        for name in referenced_names(block.value):
            if block.kind not in {"tool_removal", "tool_addition"} and name not in known:
                yield f"{block.path}: Tool reference '{name}' not found in available tools"


def one_tool_is_not_deferred(body: Body) -> Iterator[str]:
    """At least one tool is not deferred; a tool search tool counts."""
    tools = body.get("tools") or []
    if tools and all(tool.get("defer_loading") for tool in tools):
        yield "tools: At least one tool must have defer_loading=false."


def deferred_tool_models(body: Body) -> Iterator[str]:
    """Only models with tool search have deferred tools and references."""
    if rules_of(body["model"]).deferred_tools:
        return
    for index, tool in enumerate(body.get("tools") or []):
        if "defer_loading" in tool:
            yield f"tools.{index}.custom.defer_loading: Extra inputs are not permitted"
    for block in blocks(body):
        if any(inner.get("type") == "tool_reference" for inner in inner_blocks(block.value)):
            yield f"{block.path}: This model does not support tool references."


def tools_are_sent_with_calls(body: Body) -> Iterator[str]:
    """A history with calls needs `tools`. No page says it; reports of the API's errors do."""
    if not body.get("tools") and any(block.kind in {"tool_use", "tool_result"} for block in blocks(body)):
        yield "Requests which have `tool_use` or `tool_result` blocks must define tools"


def referenced_names(block: Body) -> list[str]:
    """Return the names of the tools that a block refers to, so that the API shows their definitions."""
    found = [inner for inner in inner_blocks(block) if inner.get("type") == "tool_reference"]
    content, tool = block.get("content"), block.get("tool")
    if isinstance(content, dict) and isinstance(content.get("tool_references"), list):
        found += [each for each in content["tool_references"] if isinstance(each, dict)]
    names = [str(each.get("tool_name")) for each in found]
    if block.get("type") == "tool_addition" and isinstance(tool, dict) and tool.get("type") == "tool_reference":
        names.append(str(tool.get("name")))
    return names
