"""The registered MCP servers, as other parts of Imbi write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain.errors import GraphError
from shared.domain.models import MCPServer
from shared.graph.connector import Graph
from shared.graph.mcp_servers import MCPServers
from tests.support.database import Database, new_graph_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

URL = "https://mcp.example.com/mcp"


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Database]:
    own = Database(database.dsn, new_graph_name())
    await own.prepare()
    yield own
    await own.drop()


async def enabled(database: Database) -> tuple[MCPServer, ...]:
    graph = Graph(database.dsn, database.graph_name, min_size=0)
    await graph.open()
    try:
        return await MCPServers(graph).enabled()
    finally:
        await graph.aclose()


async def add(database: Database, **properties: Any) -> None:
    fields = ", ".join(f"{name}: ${name}" for name in properties)
    await database.cypher(f"CREATE (s:MCPServer {{{fields}}}) RETURN 1", **properties)


@pytest.mark.proves("external.ignored")
async def test_enabled_servers_are_listed_by_slug_with_all_that_is_known_of_them(graph: Database) -> None:
    everything: dict[str, Any] = {
        "name": "Wiki $$ \\ 'x' {y}",
        "slug": "wiki",
        "url": URL,
        "tool_prefix": "w",
        "timeout": 5,
        "verify_ssl": False,
        "auth_type": "oauth_client_credentials",
        "static_header": "X-Key",
        "static_value_encrypted": "encrypted value",
        "oauth_token_url": "https://auth.example.com/token",
        "oauth_client_id": "client",
        "oauth_client_secret_encrypted": "encrypted secret",
        "oauth_scope": "read",
    }
    await add(graph, **everything, id="1", enabled=True, ignored_tools=["a", "b"])
    await add(graph, slug="alpha", url=URL, enabled=True, ignored_tools='["c"]', timeout="2.5", auth_type=None)
    await add(graph, slug="off", url=URL, enabled=False)
    await add(graph, slug="unsaid", url=URL)
    alpha, wiki = await enabled(graph)
    assert wiki == MCPServer(**(everything | {"timeout": 5.0, "ignored_tools": frozenset({"a", "b"})}))
    assert alpha == MCPServer(
        slug="alpha", name="alpha", url=URL, tool_prefix="alpha", timeout=2.5, ignored_tools=frozenset({"c"})
    )
    assert "encrypted" not in repr(wiki)


@pytest.mark.proves("external.skipped")
async def test_a_node_that_is_no_server_is_left_out_and_odd_values_get_their_defaults(
    graph: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await add(graph, slug="no url", enabled=True)
    await add(graph, url=URL, enabled=True)
    for number, timeout in enumerate(("soon", -1, 0, True, [1])):
        await add(graph, slug=f"odd{number}", url=URL, enabled=True, timeout=timeout, name=7)
    servers = await enabled(graph)
    assert [server.slug for server in servers] == [f"odd{number}" for number in range(5)]
    assert {(server.timeout, server.ignored_tools) for server in servers} == {(30.0, frozenset())}
    assert "no slug or no URL" in caplog.text


NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


async def record(database: Database, **changes: Any) -> None:
    graph = Graph(database.dsn, database.graph_name, min_size=0)
    await graph.open()
    fields: dict[str, Any] = {"status": "healthy", "error": None, "tested_at": NOON, "latency_ms": 12}
    fields |= {"tools_discovered": 3} | changes
    try:
        await MCPServers(graph).record_health(fields.pop("slug", "wiki"), **fields)
    finally:
        await graph.aclose()


async def node_of(database: Database, key: str = "wiki") -> dict[str, Any]:
    query = "MATCH (s:MCPServer) WHERE coalesce(s.slug, s.id) = $key RETURN properties(s)"
    (node,) = await database.cypher(query, key=key)
    assert isinstance(node, dict)
    return node


@pytest.mark.proves("external.health")
async def test_health_is_written_to_its_node_and_nothing_else_is(graph: Database) -> None:
    await add(graph, slug="wiki", url=URL, enabled=True, last_error="old", static_value_encrypted="x $$ 'y'")
    await add(graph, slug="other", url=URL, enabled=True)
    await add(graph, id="by id", url=URL, enabled=True)
    await record(graph)
    await record(graph, slug="by id", status="degraded", error="The server's answer: \\ $$ 'x' {y}")
    assert await node_of(graph) == {
        "slug": "wiki",
        "url": URL,
        "enabled": True,
        "static_value_encrypted": "x $$ 'y'",
        "status": "healthy",
        "last_tested_at": "2030-01-01T12:00:00.000+00:00",
        "last_tested_latency_ms": 12,
        "tools_discovered": 3,
    }
    assert await node_of(graph, "other") == {"slug": "other", "url": URL, "enabled": True}
    assert (await node_of(graph, "by id"))["last_error"] == "The server's answer: \\ $$ 'x' {y}"
    await record(graph, slug="unknown")
    assert len(await enabled(graph)) == 3


@pytest.mark.proves("external.health")
async def test_all_processes_together_write_at_most_once_a_minute(graph: Database) -> None:
    await add(graph, slug="wiki", url=URL, enabled=True)
    await record(graph)
    await record(graph, status="degraded", tested_at=NOON + timedelta(seconds=59), tools_discovered=None)
    assert (await node_of(graph))["status"] == "healthy"
    await record(graph, status="degraded", tested_at=NOON + timedelta(seconds=60), tools_discovered=None)
    node = await node_of(graph)
    assert (node["status"], node["tools_discovered"]) == ("degraded", 3)


@pytest.mark.proves("external.health")
async def test_a_time_in_the_future_or_in_another_form_does_not_stop_the_writing(graph: Database) -> None:
    for number, moment in enumerate(("2099-01-01T00:00:00+00:00", "unknown", "")):
        await add(graph, slug=f"s{number}", url=URL, enabled=True, last_tested_at=moment)
        await record(graph, slug=f"s{number}")
        assert (await node_of(graph, f"s{number}"))["status"] == "healthy"


@pytest.mark.proves("external.health")
async def test_a_database_that_is_away_is_an_error_of_the_graph() -> None:
    with pytest.raises(GraphError):
        await record(Database("postgresql://nobody@127.0.0.1:9/none", "none"))
