"""The cost of a question: the tools that the model sees, the cached part of the prompt, the length of results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.support.model_server import block, reply, text, tool
from tests.support.service import DEVELOPER

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer

ADMIN = "admin@example.com"
SEARCH_OF_API = "tool_search_tool_bm25"


def tools_of(model_server: ModelServer, request: int) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = model_server.chats[request].body["tools"]
    return tools


def shown_in(model_server: ModelServer, request: int) -> list[str]:
    """The names of the tools that the model sees from the start."""
    return [str(each["name"]) for each in tools_of(model_server, request) if not each.get("defer_loading")]


def found_in(result: dict[str, Any]) -> list[str]:
    """The names of the tools that a search's result refers to."""
    return [part["tool_name"] for part in result["content"] if part["type"] == "tool_reference"]


def breakpoints(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [
            each for key, item in value.items() for each in ([item] if key == "cache_control" else breakpoints(item))
        ]
    return [each for item in value for each in breakpoints(item)] if isinstance(value, list) else []


@pytest.mark.proves("costs.search")
async def test_a_handful_of_many_tools_is_shown_and_the_others_are_found(
    client: Client, model_server: ModelServer
) -> None:
    model_server.script(
        reply(tool("search_tools", {"query": "create project type"}, call_id="toolu_search")),
        reply(tool("create_project_type", {"org_slug": "fernwood"}, call_id="toolu_create")),
        reply(text("The name is missing.")),
        reply(text("Still there.")),
    )
    conversation = await client.begin()
    await client.ask(conversation, "Make me a project type")
    shown = shown_in(model_server, 0)
    assert len(shown) < 50
    assert {"navigate_to", "refresh_data", "search_tools", "list_projects"} <= set(shown), shown
    assert "create_project_type" not in shown
    assert "create_project_type" in found_in(model_server.chats[1].results["toolu_search"])
    await client.ask(conversation, "And now?")
    for request in range(1, 4):
        assert tools_of(model_server, request) == tools_of(model_server, 0), "what was sent stays as it was sent"
    assert "create_project_type" in json.dumps(model_server.chats[3].messages), "what was found stays found"


@pytest.mark.proves("costs.search")
async def test_a_tool_that_is_not_shown_can_still_be_called(client: Client, model_server: ModelServer) -> None:
    model_server.script(reply(tool("list_environments", {"org_slug": "fernwood"}, call_id="toolu_1")), reply(text("4")))
    await client.ask(await client.begin(), "Which environments are there?")
    assert "is_error" not in model_server.chats[1].results["toolu_1"]


@pytest.mark.proves("costs.search")
async def test_a_search_finds_only_what_its_caller_may_use(
    start_service: StartService, model_server: ModelServer
) -> None:
    service = start_service()
    found = {}
    for user in (ADMIN, DEVELOPER):
        searching = tool("search_tools", {"query": "delete project"}, call_id="toolu_1")
        model_server.script(reply(searching), reply(text("Ok")))
        async with service.client(user) as client:
            await client.ask(await client.begin(), "Remove something")
        found[user] = found_in(model_server.chats[-1].results["toolu_1"])
    assert "delete_project" in found[ADMIN]
    assert "delete_project" not in found[DEVELOPER]


@pytest.mark.proves("costs.search-by-the-api")
async def test_the_api_searches_deferred_tools(start_service: StartService, model_server: ModelServer) -> None:
    references = [{"type": "tool_reference", "tool_name": "create_project_type"}]
    result = {"type": "tool_search_tool_search_result", "tool_references": references}
    model_server.script(
        reply(
            block({"type": "server_tool_use", "id": "srvtoolu_1", "name": SEARCH_OF_API, "input": {"query": "env"}}),
            block({"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_1", "content": result}),
            tool("create_project_type", {"org_slug": "fernwood"}, call_id="toolu_1"),
        ),
        reply(text("Four.")),
        reply(text("As I said.")),
    )
    service = start_service(IMBI_ASSISTANT_TOOL_SEARCH="server")
    async with service.client(DEVELOPER) as client:
        conversation = await client.begin()
        await client.ask(conversation, "Which environments are there?")
        tools = tools_of(model_server, 0)
        assert tools[0] == {"type": "tool_search_tool_bm25_20251119", "name": SEARCH_OF_API}
        assert not any(each.get("defer_loading") for each in tools if each["name"] == "list_projects")
        assert all(each["defer_loading"] for each in tools if each["name"] == "create_environment")
        await client.ask(conversation, "Sure?")
    replayed = json.dumps(model_server.chats[2].body["messages"])
    assert "srvtoolu_1" in replayed, "what the API found stays loaded"


@pytest.mark.proves("costs.search-by-the-api")
async def test_found_tools_that_are_gone_stay_defined(start_service: StartService, model_server: ModelServer) -> None:
    references = [{"type": "tool_reference", "tool_name": "a_tool_of_yesterday"}]
    result = {"type": "tool_search_tool_search_result", "tool_references": references}
    model_server.script(
        reply(
            block({"type": "server_tool_use", "id": "srvtoolu_1", "name": SEARCH_OF_API, "input": {"query": "x"}}),
            block({"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_1", "content": result}),
            text("Found something."),
        ),
        reply(text("Gone.")),
    )
    async with start_service(IMBI_ASSISTANT_TOOL_SEARCH="server").client(DEVELOPER) as client:
        conversation = await client.begin()
        await client.ask(conversation, "Look")
        await client.ask(conversation, "Again")
    assert "srvtoolu_1" in json.dumps(model_server.chats[1].messages), "what was sent stays as it was sent"
    [gone] = [each for each in tools_of(model_server, 1) if each["name"] == "a_tool_of_yesterday"]
    assert gone["defer_loading"]


@pytest.mark.proves("costs.search")
async def test_every_tool_is_shown_where_searching_is_off(
    start_service: StartService, model_server: ModelServer
) -> None:
    model_server.script(reply(text("Hello.")))
    async with start_service(IMBI_ASSISTANT_TOOL_SEARCH="off").client(DEVELOPER) as client:
        await client.ask(await client.begin(), "Hi")
    names = shown_in(model_server, 0)
    assert len(names) > 30
    assert "search_tools" not in names


@pytest.mark.proves("costs.cached-prefix")
async def test_the_prompts_beginning_is_the_same_for_everybody(
    start_service: StartService, model_server: ModelServer
) -> None:
    beginnings = []
    for _ in range(2):
        service = start_service()
        model_server.script(reply(tool("list_teams", {"org_slug": "fernwood"})), reply(text("8")), reply(text("9")))
        async with service.client(DEVELOPER) as client:
            conversation = await client.begin()
            await client.ask(conversation, "How many teams are there?")
            await client.ask(conversation, "And now?")
        for request in model_server.chats[-3:]:
            tools, system = request.body["tools"], request.body["system"]
            beginnings.append(orjson.dumps([tools, system[0]]))
            assert system[0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
            assert DEVELOPER not in orjson.dumps([tools, system[0]]).decode()
            assert DEVELOPER in system[-1]["text"], "what concerns the user comes last"
            assert "cache_control" in request.body["messages"][-1]["content"][-1]
        assert [len(breakpoints(request.body)) for request in model_server.chats[-3:]] == [2, 3, 3]
    assert len(set(beginnings)) == 1


@pytest.mark.proves("costs.cached-prefix")
async def test_later_rounds_are_read_from_the_cache(client: Client, model_server: ModelServer) -> None:
    calls = [reply(tool("list_teams", {"org_slug": "fernwood"}, call_id=f"toolu_{i}")) for i in range(3)]
    model_server.script(*calls, reply(text("8")))
    answer = await client.ask(await client.begin(), "How many teams are there?")
    usage = answer.of("done")[0].data["usage"]
    assert usage["cache_read_input_tokens"] > 0
    assert usage["cache_creation_input_tokens"] > 0


@pytest.mark.proves("costs.cleared-results")
async def test_old_results_are_left_out_of_long_conversations_and_stay_stored(
    start_service: StartService, model_server: ModelServer
) -> None:
    service = start_service(IMBI_ASSISTANT_CLEAR_RESULTS_TOKENS="5000")
    async with service.client(DEVELOPER) as client:
        conversation = await client.begin()
        model_server.script(
            reply(tool("list_projects", {"org_slug": "fernwood", "slim": True}, call_id="toolu_1")),
            reply(text("Many.")),
            reply(text("Still many.")),
        )
        await client.ask(conversation, "Which projects are there?")
        assert len(model_server.chats[1].results["toolu_1"]["content"]) > 20_000
        await client.ask(conversation, "And now?")
        stored = await client.get(conversation)
    request = model_server.chats[2]
    [clearing] = [edit for edit in request.body["context_management"]["edits"] if "tool_uses" in edit["type"]]
    assert clearing["trigger"] == {"type": "input_tokens", "value": 5000}
    assert "context-management-2025-06-27" in request.headers["anthropic-beta"]
    assert request.results == {}
    assert len(json.dumps(request.messages[2])) > 20_000, "what was sent stays as it was sent"
    assert len(stored["messages"][2]["tool_results"][0]["content"]) > 20_000


@pytest.mark.proves("costs.read-on")
async def test_a_long_list_is_cut_at_an_element_and_can_be_read_on(
    start_service: StartService, model_server: ModelServer
) -> None:
    service = start_service(IMBI_ASSISTANT_MAX_TOOL_RESULT_CHARS="4000")
    model_server.script(
        reply(tool("list_projects", {"org_slug": "fernwood", "slim": True}, call_id="toolu_1")),
        lambda body: reply(tool("read_result", noted(body), call_id="toolu_2")),
        reply(text("Many.")),
    )
    async with service.client(DEVELOPER) as client:
        await client.ask(await client.begin(), "Which projects are there?")
    first = str(model_server.chats[1].results["toolu_1"]["content"])
    second = str(model_server.chats[2].results["toolu_2"]["content"])
    begun = json.loads(first[: first.index("\n\n[This result was cut")])
    following = json.loads(second[: second.index("\n\n[This")])
    projects, more = (value if isinstance(value, list) else value["data"] for value in (begun, following))
    assert projects
    assert more
    assert not {each["id"] for each in projects} & {each["id"] for each in more}
    assert "null" not in first


def noted(body: dict[str, Any]) -> dict[str, Any]:
    content = str(body["messages"][-1]["content"][0]["content"])
    arguments: dict[str, Any] = json.loads(content[content.rindex("{") : content.rindex("}") + 1])
    return arguments


@pytest.mark.proves("costs.turns-are-questions")
async def test_only_questions_count_for_the_limit(start_service: StartService, model_server: ModelServer) -> None:
    service = start_service(IMBI_ASSISTANT_MAX_CONVERSATION_TURNS="2")
    async with service.client(DEVELOPER) as client:
        conversation = await client.begin()
        model_server.script(
            reply(tool("list_teams", {"org_slug": "fernwood"})),
            reply(tool("list_teams", {"org_slug": "fernwood"}, call_id="toolu_9")),
            reply(text("8")),
            reply(text("9")),
        )
        await client.ask(conversation, "One")
        await client.ask(conversation, "Two")
        refused = await client.http.post(f"/conversations/{conversation}/messages", json={"content": "Three"})
    assert refused.status_code == 400
