"""The CPU time of functions that run for every message or result: cleaning results, indexing and searching tools."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from bench.figures import Figure, Goal
from local.demo_model.decision import decide
from local.messages_api.parsed_request import parse_messages
from shared.domain.ports import ToolDefinition
from shared.tools.results.prune import prune_json
from shared.tools.search.index import ToolIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.environment import Bench

_KINDS = [f"{area}_{letter}" for area in ("project", "team", "audit", "cloud", "ticket") for letter in "abcdefghij"]
_VERBS = ("list", "get", "create", "patch", "delete", "archive")
_SCHEMA = {"type": "object", "properties": {"org_slug": {"type": "string"}}, "required": ["org_slug"]}
_TOOLS: list[dict[str, Any]] = [
    {"name": f"{verb}_{kind}s", "description": "A description of the tool. " * 20, "input_schema": _SCHEMA}
    for kind in _KINDS
    for verb in _VERBS
]
"""300 tools."""
_RECORD = {
    "id": "p1",
    "name": "Checkout",
    "icon": None,
    "score": 91.5,
    "description": "Sells. " * 12,
    "tags": ["a"],
    "relationships": {"team": {"href": "/api/teams/data", "count": 1}},
}
_MEGABYTE = json.dumps([_RECORD] * 3_800)
_MILLISECONDS = 1000


async def measure(bench: Bench) -> list[Figure]:
    """Call each function some times and take the quickest."""
    times = 3 if bench.is_quick else 20
    index = ToolIndex([ToolDefinition(**tool) for tool in _TOOLS])
    body: dict[str, Any] = {"model": "claude-demo", "max_tokens": 1000, "tools": _TOOLS}
    question = {"role": "user", "content": "Which teams are there?"}
    body["messages"] = [question]
    request = parse_messages(body)
    return [
        _figure("clean a result of 1 MB", lambda: prune_json(_MEGABYTE), times, 30),
        _figure("index 300 tools", lambda: ToolIndex([ToolDefinition(**tool) for tool in _TOOLS]), times, 60),
        _figure("search 300 tools", lambda: index.search("audit records of production"), times, 5),
        _figure("check a request with 300 tools", lambda: parse_messages(body), times),
        _figure("decide in the demo model with 300 tools", lambda: decide(request), times, 20),
    ]


def _figure(name: str, function: Callable[[], object], times: int, goal: float | None = None) -> Figure:
    seconds = []
    for _ in range(times):
        began = time.process_time()
        function()
        seconds.append(time.process_time() - began)
    return Figure("functions", name, "ms", min(seconds) * _MILLISECONDS, goal=None if goal is None else Goal(goal))
