"""How many questions the resident tools answer without a search, and what they cost in every request.

Counted are the fifty questions of `questions.toml`, one of whose tools is enough, and the twenty of `questions.py`, all
of whose tools are needed. There is nothing to count without the document of a real Imbi.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import httpx2

from bench.documents import REAL, is_real
from bench.figures import Figure, Goal
from bench.processes import ROOT
from bench.questions import QUESTIONS
from local.messages_api.prompt_cache import BYTES_PER_TOKEN
from shared.agent.prompt import PromptWriter
from shared.agent.ui_links import BUILT_IN
from shared.domain.models import Principal
from shared.tools.client_side import ClientSideToolset
from shared.tools.openapi.toolset import OpenAPIToolset
from shared.tools.refresh import Refresher, RefreshToolset
from shared.tools.results.read_result import READ_RESULT
from shared.tools.search.index import SEARCH_TOOL
from shared.tools.search.resident import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from bench.environment import Bench
    from shared.domain.ports import ToolDefinition

_SCENARIO = "residents"
_FORMER = frozenset({"list_organizations", "list_projects", "get_project", "list_teams"})
"""The resident operations of version 0.2.0."""
_MOST = Goal(50, is_least=True)
_CACHED = Goal(4_096, is_least=True)
"""Tokens of the shortest prefix that every model caches."""
_ADMIN = Principal("admin@example.com", "Administrator", is_admin=True)


async def measure(bench: Bench) -> list[Figure]:  # noqa: ARG001  # needs the document alone
    """Count the questions and the tokens, before and after."""
    if not is_real():
        return []
    operations = await _operations()
    return [
        *_figures("4 operations", [each for each in operations if each.name in _FORMER]),
        *_figures("resident operations", [each for each in operations if each.name in OPERATIONS], has_goals=True),
    ]


def _figures(name: str, resident: Sequence[ToolDefinition], *, has_goals: bool = False) -> list[Figure]:
    names = {each.name for each in resident}
    hard: list[dict[str, Any]] = tomllib.loads((ROOT / "bench" / "questions.toml").read_text())["questions"]
    own = [*ClientSideToolset().definitions(_ADMIN), *RefreshToolset(Refresher([])).definitions(_ADMIN)]
    tools = sum(len(each.encoded) for each in (*own, READ_RESULT, SEARCH_TOOL, *resident))
    static = len(PromptWriter().write(_ADMIN, resident, BUILT_IN).static.encode())
    return [
        Figure(_SCENARIO, f"{name}: tools", "", len(resident)),
        Figure(
            _SCENARIO,
            f"{name}: 50 questions without a search",
            "%",
            _share(hard, names),
            goal=_MOST if has_goals else None,
        ),
        Figure(_SCENARIO, f"{name}: 20 questions without a search", "%", _share_of_all(names)),
        Figure(
            _SCENARIO,
            f"{name}: tools and static prompt",
            "tokens",
            (tools + static) // BYTES_PER_TOKEN,
            goal=_CACHED if has_goals else None,
        ),
    ]


def _share(questions: Sequence[dict[str, Any]], names: Container[str]) -> float:
    return 100 * sum(any(tool in names for tool in each["tools"]) for each in questions) / len(questions)


def _share_of_all(names: Container[str]) -> float:
    return 100 * sum(all(tool in names for tool in each.tools) for each in QUESTIONS) / len(QUESTIONS)


async def _operations() -> Sequence[ToolDefinition]:
    content = REAL.read_bytes()
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, content=content))
    toolset = OpenAPIToolset("http://imbi-api:8000", transport=transport)
    await toolset.load()
    await toolset.aclose()
    return toolset.definitions(_ADMIN)
