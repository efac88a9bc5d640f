"""External MCP servers and refreshes, from the nodes in the graph to the user's answer."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from fastmcp import FastMCP

from local.demo_model import create_demo_model
from local.mcp_servers.serving import demo_mcp_servers
from local.seed import register_mcp_servers
from tests.support.background import served
from tests.support.database import Database, new_graph_name
from tests.support.mcp_hosts import hosted, scripted
from tests.support.mcp_hosts import tool as listed
from tests.support.model_server import reply, text, tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer

ENCRYPTION_KEY = Fernet.generate_key().decode()


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Database]:
    """Create a graph for one test, because every other test would see its servers."""
    own = Database(database.dsn, new_graph_name())
    await own.prepare()
    yield own
    await own.drop()


async def register(graph: Database, url: str, slug: str = "calc", **properties: Any) -> None:
    row = {"id": slug, "slug": slug, "name": slug.title(), "url": url, "enabled": True, "timeout": 10} | properties
    fields = ", ".join(f"{name}: ${name}" for name in row)
    await graph.cypher(f"CREATE (s:MCPServer {{{fields}}}) RETURN 1", **row)


def settings(graph: Database, **others: str) -> dict[str, str]:
    return {
        "POSTGRES_GRAPH_NAME": graph.graph_name,
        "IMBI_CONFIG_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "IMBI_ASSISTANT_TOOL_SEARCH": "off",
        **others,
    }


def calculator() -> FastMCP[None]:
    server = FastMCP[None]("calculator")

    @server.tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    return server


async def until_offered(client: Client, model_server: ModelServer, name: str) -> str:
    """Ask until a tool is offered; return the conversation in which it was."""
    async with asyncio.timeout(60):
        while True:
            conversation = await client.begin()
            model_server.script(reply(text("Hello")))
            await client.ask(conversation, "Hi")
            if name in model_server.chats[-1].tool_names:
                return conversation


def external(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith("mcp_")]


@pytest.mark.proves("external.eras", "external.ignored", "external.no-user-token", "client-tools.mixed")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_turn_mixes_tools_of_all_sources(
    era: Any, graph: Database, start_service: StartService, model_server: ModelServer
) -> None:
    async with hosted(calculator(), era) as host:
        await register(graph, host.url, ignored_tools='["other"]', tool_prefix="math", auth_type="none")
        await register(graph, host.url, "off", enabled=False)
        async with start_service(**settings(graph)).client() as client:
            conversation = await until_offered(client, model_server, "mcp_math_add")
            model_server.script(
                reply(
                    tool("navigate_to", {"path": "/projects"}, call_id="toolu_1"),
                    tool("list_organizations", {}, call_id="toolu_2"),
                    tool("mcp_math_add", {"a": 2, "b": 3}, call_id="toolu_3"),
                ),
                reply(text("Done.")),
            )
            answer = await client.ask(conversation, "Do all of it")
            results = model_server.chats[-1].results
            assert external(model_server.chats[-1].tool_names) == ["mcp_math_add"]
            assert results["toolu_3"]["content"] == "5"
            assert "fernwood" in str(results["toolu_2"]["content"])
            assert [event.data["action"] for event in answer.of("client_action")] == ["navigate_to"]
            assert {event.data["name"] for event in answer.of("tool_result")} == {"list_organizations", "mcp_math_add"}
            stored = await client.messages(conversation)
            assert [result["content"] for result in stored[-2]["tool_results"]][-1] == "5"
            assert not any(str(client.token) in str(request.headers.raw) for request in host.seen)


@pytest.mark.proves("external.health", "external.changes", "external.limits")
async def test_health_limits_and_changes_reach_the_graph_and_the_model(
    graph: Database, start_service: StartService, model_server: ModelServer
) -> None:
    tools = [listed(f"t{number:03}") for number in range(201)]
    async with scripted(lambda _params: {"tools": tools}) as host, start_service(**settings(graph)).client() as client:
        await register(graph, host.url)
        await register(graph, "http://127.0.0.1:9/mcp", "dead")
        conversation = await until_offered(client, model_server, "mcp_calc_t000")
        model_server.script(reply(tool("refresh_openapi_spec", {}, call_id="toolu_1")), reply(text("Done.")))
        tools[0] = listed("t000", description="Something else.")
        await client.ask(conversation, "Refresh")
        report = str(model_server.chats[-1].results["toolu_1"]["content"])
        assert "Calc: 200 tools. Left out because of the size limits: t200." in report
        assert "Changed by the server since they were first seen: t000 (description)." in report
        good = await health_of(graph, "calc")
        assert (good["status"], good.get("last_error"), good["tools_discovered"]) == ("healthy", None, 201)
        assert good["last_tested_latency_ms"] >= 0
        assert datetime.fromisoformat(good["last_tested_at"]).tzinfo is not None
        dead = await health_of(graph, "dead")
        assert (dead["status"], dead["last_error"]) == ("unreachable", "The server cannot be reached.")


async def health_of(graph: Database, slug: str) -> Any:
    """Wait until the health of a server has been written."""
    async with asyncio.timeout(20):
        while True:
            query = "MATCH (s:MCPServer) WHERE s.slug = $slug RETURN properties(s)"
            (node,) = await graph.cypher(query, slug=slug)
            if "status" in node:
                return node
            await asyncio.sleep(0.05)


@pytest.mark.proves("refresh.tools", "refresh.same-turn")
async def test_a_refresh_brings_a_new_server_in_the_middle_of_a_turn(
    graph: Database, start_service: StartService, model_server: ModelServer
) -> None:
    async with hosted(calculator()) as host, start_service(**settings(graph)).client() as client:
        conversation = await until_offered(client, model_server, "refresh_openapi_spec")
        await register(graph, host.url)
        model_server.script(
            reply(tool("refresh_openapi_spec", {}, call_id="toolu_1")),
            reply(tool("mcp_calc_add", {"a": 20, "b": 22}, call_id="toolu_2")),
            reply(text("42.")),
        )
        await client.ask(conversation, "Refresh, then add 20 and 22")
        first, second, third = model_server.chats[-3:]
        assert external(first.tool_names) == []
        assert external(second.tool_names) == ["mcp_calc_add"]
        report = str(second.results["toolu_1"]["content"])
        assert "Imbi API: " in report
        assert "Calc: 1 tool." in report
        assert host.url not in report
        assert third.results["toolu_2"]["content"] == "42"


@pytest.mark.proves("refresh.unknown-name")
async def test_an_unknown_tool_is_found_by_a_refresh(
    graph: Database, start_service: StartService, model_server: ModelServer
) -> None:
    async with hosted(calculator()) as host, start_service(**settings(graph)).client() as client:
        conversation = await until_offered(client, model_server, "refresh_openapi_spec")
        await register(graph, host.url)
        model_server.script(
            reply(tool("mcp_calc_add", {"a": 1, "b": 1}, call_id="toolu_1"), tool("no_such", {}, call_id="toolu_2")),
            reply(text("2.")),
        )
        await client.ask(conversation, "Add 1 and 1")
        results = model_server.chats[-1].results
        assert results["toolu_1"]["content"] == "2"
        assert results["toolu_2"]["is_error"]


@pytest.mark.proves("external.restart")
async def test_a_server_may_be_restarted_in_the_middle_of_a_conversation(
    graph: Database, start_service: StartService, model_server: ModelServer
) -> None:
    async with hosted(calculator(), "legacy") as host:
        await register(graph, host.url)
        async with start_service(**settings(graph)).client() as client:
            conversation = await until_offered(client, model_server, "mcp_calc_add")
            for number in range(2):
                model_server.script(
                    reply(tool("mcp_calc_add", {"a": number, "b": 1}, call_id=f"toolu_{number}")), reply(text("So."))
                )
                await client.ask(conversation, "Add")
                result = model_server.chats[-1].results[f"toolu_{number}"]
                assert (result["content"], result.get("is_error")) == (str(number + 1), None)
                await host.restart()


@pytest.mark.proves("external.first-word", "external.skipped")
async def test_a_server_that_hangs_delays_the_first_word_by_a_bounded_time(
    graph: Database, start_service: StartService, model_server: ModelServer
) -> None:
    over = asyncio.Event()

    async def hang(_request: Any) -> None:
        await over.wait()

    async with scripted(before=hang) as slow, scripted([listed("x")]) as good:
        await register(graph, slow.url, "slow", timeout=60)
        await register(graph, good.url, "good", timeout="10")
        await register(graph, "http://127.0.0.1:9/mcp", "dead")
        await graph.cypher("CREATE (s:MCPServer {slug: $slug, enabled: true}) RETURN 1", slug="without a URL")
        service = start_service(**settings(graph, IMBI_ASSISTANT_MCP_CONNECT_SECONDS="0.5"))
        async with service.client() as client:
            conversation = await until_offered(client, model_server, "mcp_good_x")
            model_server.script(reply(text("Quick.")))
            async with asyncio.timeout(30):  # half of the time for which the slow server may be waited for
                await client.ask(conversation, "Hi")
            over.set()


@pytest.mark.proves("external.addresses")
async def test_outside_development_private_addresses_need_a_permission(
    graph: Database, start_service: StartService, model_server: ModelServer
) -> None:
    async with hosted(calculator()) as host:
        await register(graph, host.url)
        closed = start_service(**settings(graph, ENVIRONMENT="production"))
        async with closed.client() as client:
            conversation = await until_offered(client, model_server, "refresh_openapi_spec")
            model_server.script(reply(tool("refresh_openapi_spec", {}, call_id="toolu_1")), reply(text("Sorry.")))
            await client.ask(conversation, "Refresh")
            report = model_server.chats[-1].results["toolu_1"]["content"]
            assert "Calc: no tools. Reading them again failed: The server has an address that the assistant " in report
            assert not host.seen
        allowed = {"ENVIRONMENT": "production", "IMBI_ASSISTANT_MCP_ALLOWED_HOSTS": "mcp.example.com, 127.0.0.1"}
        async with start_service(**settings(graph, **allowed)).client() as client:
            await until_offered(client, model_server, "mcp_calc_add")


@pytest.mark.slow
@pytest.mark.proves("external.served", "external.oauth")
async def test_the_demo_servers_answer_the_demo_models_questions(graph: Database, start_service: StartService) -> None:
    async with demo_mcp_servers(ENCRYPTION_KEY) as servers:
        for _ in range(2):
            async with graph.connected() as connection:
                await register_mcp_servers(connection, graph.graph_name, servers)
        with served(create_demo_model()) as model:
            service = start_service(**settings(graph, ANTHROPIC_BASE_URL=model))
            async with service.client() as client:
                on_call = await asked(client, "Who is on call for checkout?")
                assert "on-call shift of the team **[Checkout & Payments]" in on_call
                assert "@example.com" in on_call
                assert "account-api" in await asked(client, "What does Account API cost in the cloud?")
                assert "Payments are confirmed late" in await asked(client, "Which incidents are open?")


async def asked(client: Client, question: str) -> str:
    """Ask in new conversations until the tools are loaded."""
    async with asyncio.timeout(30):
        while True:
            answer = await client.ask(await client.begin(), question)
            if any(event.data["name"].startswith("mcp_") for event in answer.of("tool_result")):
                return answer.text
