"""Limits for the tools of external servers, because their definitions may be part of every request to the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.tools.mcp.definitions import ExternalTool


@dataclass(frozen=True, slots=True)
class ToolLimits:
    """The number of tools, and the bytes of their definitions as JSON, that are offered at most.

    400,000 bytes are about 100,000 tokens, half of the smallest context window of the supported models.
    """

    tools_per_server: int = 200
    bytes_per_server: int = 200_000
    tools_in_total: int = 500
    bytes_in_total: int = 400_000
    bytes_per_tool: int = 32_000


DEFAULT_LIMITS = ToolLimits()


@dataclass(frozen=True, slots=True)
class LimitedTools:
    """The tools within a limit, and the server's names of the others."""

    tools: tuple[ExternalTool, ...] = ()
    left_out: tuple[str, ...] = ()


def limit_server(tools: Sequence[ExternalTool], limits: ToolLimits) -> LimitedTools:
    """Select the tools of one server that fit its limits, in the order of `tools`."""
    small = [tool for tool in tools if tool.definition_bytes <= limits.bytes_per_tool]
    limited = _take(small, limits.tools_per_server, limits.bytes_per_server)
    kept = {tool.name for tool in limited.tools}
    return LimitedTools(limited.tools, tuple(tool.name for tool in tools if tool.name not in kept))


def limit_total(tools: Mapping[str, Sequence[ExternalTool]], limits: ToolLimits) -> dict[str, LimitedTools]:
    """Select the tools of all servers that fit the total limits.

    Every server gets an equal share. What a small server does not use of its share goes to the larger ones, so that a
    server with many tools never displaces those of a server with few.
    """
    selected: dict[str, LimitedTools] = {}
    tools_left, bytes_left = limits.tools_in_total, limits.bytes_in_total
    by_size = sorted(tools, key=lambda slug: (_total_bytes(tools[slug]), slug))
    for index, slug in enumerate(by_size):
        servers_left = len(by_size) - index
        selected[slug] = _take(tools[slug], tools_left // servers_left, bytes_left // servers_left)
        tools_left -= len(selected[slug].tools)
        bytes_left -= _total_bytes(selected[slug].tools)
    return selected


def _take(tools: Sequence[ExternalTool], max_tools: int, max_bytes: int) -> LimitedTools:
    kept: list[ExternalTool] = []
    left_out: list[str] = []
    for tool in tools:
        if len(kept) < max_tools and tool.definition_bytes <= max_bytes:
            kept.append(tool)
            max_bytes -= tool.definition_bytes
        else:
            left_out.append(tool.name)
    return LimitedTools(tuple(kept), tuple(left_out))


def _total_bytes(tools: Sequence[ExternalTool]) -> int:
    return sum(tool.definition_bytes for tool in tools)
