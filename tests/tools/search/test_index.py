"""The tool search over invented definitions, the demo's document and a real one."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from local.demo_api import create_demo_api
from shared.domain.ports import ToolDefinition
from shared.tools.openapi.toolset import OpenAPIToolset
from shared.tools.search.index import SEARCH_TOOL, ToolIndex, names_in, render
from tests.support.imbi_api import ADMIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT.parent / "shared" / "imbi-openapi.json"
QUESTIONS: list[dict[str, Any]] = tomllib.loads((ROOT / "bench" / "questions.toml").read_text())["questions"]

needs_document = pytest.mark.skipif(not DOCUMENT.exists(), reason="the document is not on this machine")


def tool(name: str, description: str = "", **properties: Any) -> ToolDefinition:
    return ToolDefinition(name, description, {"type": "object", "properties": properties})


TOOLS = (
    tool("create_project", "Create a new project."),
    tool("create_project_type", "Create a new project type."),
    tool("delete_project", "Delete a project."),
    tool("list_projects", "List projects.", filter={"type": "array", "description": "By programming language."}),
    tool("list_incidents", "List the project's incidents.", state={"enum": ["triggered", "acknowledged"]}),
    tool("list_org_pull_requests", "List pull requests of the organization."),
    tool("rotate_api_key", "Rotate an API key secret."),
    tool("trigger_deployment", "Trigger a deploy of a release to an environment."),
    tool("mcp_on-call_get-rota", "Who is on duty.\n\nAsks the paging service - see: its manual."),
)
INDEX = ToolIndex(TOOLS)


def found(query: str, index: ToolIndex = INDEX) -> list[str]:
    return [definition.name for definition in index.search(query)]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("create project", "create_project"),
        ("add a new project", "create_project"),
        ("new project type", "create_project_type"),
        ("remove projects", "delete_project"),
        ("list applications", "list_projects"),
        ("programming languages", "list_projects"),
        ("open alerts and outages", "list_incidents"),
        ("acknowledged", "list_incidents"),
        ("merge requests", "list_org_pull_requests"),
        ("PRs of our company", "list_org_pull_requests"),
        ("renew my token", "rotate_api_key"),
        ("Rolling out to staging", "trigger_deployment"),
        ("ship it", "trigger_deployment"),
        ("incidnets", "list_incidents"),
        ("who is on call", "mcp_on-call_get-rota"),
        ("listPullRequests", "list_org_pull_requests"),
    ],
)
def test_the_best_tool_is_found_first(query: str, name: str) -> None:
    assert found(query)[0] == name


def test_tools_that_only_read_come_first_unless_a_change_is_asked_for() -> None:
    assert found("projects of the organization")[0].startswith("list_")


@pytest.mark.parametrize("query", ["", "   ", "the of and", "?!", "zebra", "\ud800", "x" * 100_000])
def test_a_query_without_meaning_finds_nothing(query: str) -> None:
    assert found(query) == []
    assert ToolIndex([]).search("project") == []


def test_results_are_limited_and_in_a_stable_order() -> None:
    assert len(INDEX.search("project", limit=2)) == 2
    assert found("project") == found("project", ToolIndex(tuple(reversed(TOOLS))))


def test_names_can_be_read_back_from_the_result() -> None:
    text = render(TOOLS)
    assert "- mcp_on-call_get-rota: Who is on duty.\n" not in text
    assert text.endswith("- mcp_on-call_get-rota: Who is on duty.")
    assert names_in(text) == [definition.name for definition in TOOLS]
    assert names_in(f"Some words\n- not_this: one\n{text}\n\n- nor_this: one") == names_in(text)
    assert names_in(render(())) == names_in("- not_this: one") == names_in("") == []


def test_every_tool_is_one_short_line() -> None:
    wild = tool("wild", "a\tb " + "long " * 400)
    line = render([wild, tool("empty")]).splitlines()[1]
    assert len(line) <= 200
    assert line.startswith("- wild: a b long")
    assert names_in(render([wild, tool("empty")])) == ["wild", "empty"]


def test_the_search_tool_requires_a_query() -> None:
    assert (SEARCH_TOOL.name, SEARCH_TOOL.input_schema["required"]) == ("search_tools", ["query"])


async def tools_of(transport: httpx2.AsyncBaseTransport) -> tuple[ToolDefinition, ...]:
    toolset = OpenAPIToolset("http://imbi-api:8000", transport=transport)
    await toolset.load()
    definitions = toolset.definitions(ADMIN.principal)
    await toolset.aclose()
    return definitions


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def real_tools() -> tuple[ToolDefinition, ...]:
    return await tools_of(httpx2.MockTransport(lambda _request: httpx2.Response(200, content=DOCUMENT.read_bytes())))


def unanswered(index: ToolIndex, questions: Sequence[dict[str, Any]]) -> list[str]:
    """The questions whose searches, two at most, find none of their tools."""
    return [
        question["question"]
        for question in questions
        if not any(set(question["tools"]) & set(found(query, index)) for query in question["queries"][:2])
    ]


def test_there_are_fifty_questions_with_short_queries_and_half_of_them_are_held_out() -> None:
    assert len({question["question"] for question in QUESTIONS}) == 50
    assert sum(question["set"] == "held_out" for question in QUESTIONS) == 25
    for question in QUESTIONS:
        assert 1 <= len(question["queries"]) <= 2
        assert all(2 <= len(query.split()) <= 8 for query in question["queries"])


@needs_document
@pytest.mark.anyio
async def test_two_searches_find_the_tool_for_48_of_50_questions(real_tools: tuple[ToolDefinition, ...]) -> None:
    names = {definition.name for definition in real_tools}
    assert all(set(question["tools"]) <= names for question in QUESTIONS)
    assert len(unanswered(ToolIndex(real_tools), QUESTIONS)) <= 2


def calls_of(work: Callable[[], object]) -> int:
    """Count the calls of functions, which measure work without a clock."""
    count = 0

    def note(_frame: object, _event: str, _argument: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def invented_tools(number: int, kind: str) -> list[ToolDefinition]:
    """Invent tools with words of their own, so that no cache knows them."""
    text = "Reads the {0}{1} of a project, by its {0}state{1}. "
    return [tool(f"get_{kind}{place}", text.format(kind, place) * 5) for place in range(number)]


def test_indexing_and_searching_take_time_in_proportion_to_the_number_of_tools() -> None:
    indexes: list[ToolIndex] = []
    indexing = [
        calls_of(lambda tools=tools: indexes.append(ToolIndex(tools)))  # type: ignore[misc]
        for tools in (invented_tools(200, "alpha"), invented_tools(800, "omega"))
    ]
    searching = [calls_of(lambda index=index: index.search("projects by state")) for index in indexes]  # type: ignore[misc]
    assert indexing[1] < indexing[0] * 4.5
    assert searching[1] < searching[0] * 4.5


@pytest.mark.anyio
async def test_the_demos_tools_are_found() -> None:
    tools = await tools_of(httpx2.ASGITransport(create_demo_api("a secret of at least thirty-two bytes")))
    names = {definition.name for definition in tools}
    questions = [question for question in QUESTIONS if names & set(question["tools"])]
    assert len(questions) >= 10
    assert unanswered(ToolIndex(tools), questions) == []
