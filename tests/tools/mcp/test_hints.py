"""What external servers say about their tools, and what is believed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.models import MCPServer
from shared.tools.mcp.definitions import ExternalTool, convert_tools
from shared.tools.mcp.facts import facts_of

SERVER = MCPServer(slug="s", name="S", url="http://s.example.com/mcp", tool_prefix="s")
TRUSTED = replace(SERVER, trusted=True)


def tool(annotations: Any = None, description: str = "Do.") -> ExternalTool:
    raw: dict[str, Any] = {"name": "do", "description": description, "inputSchema": {"type": "object"}}
    (converted,) = convert_tools(SERVER, [{**raw, "annotations": annotations}]).tools
    return converted


@pytest.mark.parametrize(
    ("annotations", "believed", "otherwise"),
    [
        (None, "write", "write"),
        ({}, "write", "write"),
        ({"readOnlyHint": True}, "read", "write"),
        ({"readOnlyHint": True, "destructiveHint": False}, "read", "write"),
        ({"readOnlyHint": "true"}, "write", "write"),
        ({"readOnlyHint": False}, "destructive", "destructive"),
        ({"readOnlyHint": False, "destructiveHint": False}, "write", "write"),
        ({"destructiveHint": False}, "write", "write"),
        ({"destructiveHint": True}, "destructive", "destructive"),
        ({"readOnlyHint": True, "destructiveHint": True}, "destructive", "destructive"),
    ],
)
def test_reading_is_believed_of_trusted_servers_only(annotations: Any, believed: str, otherwise: str) -> None:
    assert facts_of("mcp_s_do", tool(annotations), TRUSTED).effect == believed
    assert facts_of("mcp_s_do", tool(annotations), SERVER).effect == otherwise


def test_the_operation_differs_by_server_and_definition() -> None:
    elsewhere = replace(SERVER, url="http://t.example.com/mcp")
    variants = [
        facts_of("mcp_s_do", tool(), SERVER),
        facts_of("mcp_s_do", tool(), elsewhere),
        facts_of("mcp_s_do", tool(description="Do more."), SERVER),
        facts_of("mcp_s_do", tool({"readOnlyHint": True}), SERVER),
    ]
    assert len({each.operation for each in variants}) == 4
    assert {each.source for each in variants} == {"mcp:s"}
    assert not variants[0].is_trusted
