"""Cold starts of the chat function with an external MCP server: the first answer of each has every tool.

The environment variable COLD_STARTS says how many of each kind (3).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from fastmcp import FastMCP

from tests.support.database import Database, new_graph_name
from tests.support.lambda_chat import answer_of, question
from tests.support.lambda_functions import ROOT, Process, measured
from tests.support.mcp_hosts import hosted
from tests.support.model_server import reply, text
from tests.support.runtime_api import runtime_api
from tests.support.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.client import Client
    from tests.support.model_server import ModelServer

STARTS = int(os.environ.get("COLD_STARTS", "3"))
COMMAND = [sys.executable, "-m", "shared.aws.streaming"]
TOOLS = {"mcp_math_add", "mcp_math_subtract", "mcp_math_multiply"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 20 * STARTS)]


def calculator() -> FastMCP[None]:
    server = FastMCP[None]("calculator")

    @server.tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool
    def subtract(a: int, b: int) -> int:
        """Subtract a number from another."""
        return a - b

    @server.tool
    def multiply(a: int, b: int) -> int:
        """Multiply two numbers."""
        return a * b

    return server


@pytest.fixture
async def cold(database: Database, function_variables: dict[str, str]) -> AsyncIterator[dict[str, str]]:
    """Return the variables of a function whose graph names an external server."""
    graph = Database(database.dsn, new_graph_name())
    await graph.prepare()
    async with hosted(calculator()) as host:
        await graph.cypher(
            "CREATE (s:MCPServer {id: 'math', slug: 'math', name: 'Math', url: $url, enabled: true,"
            " timeout: 10, auth_type: 'none'}) RETURN 1",
            url=host.url,
        )
        yield (
            measured()
            | function_variables
            | {
                "POSTGRES_GRAPH_NAME": graph.graph_name,
                "IMBI_ASSISTANT_TOOL_SEARCH": "off",
                "IMBI_ASSISTANT_MCP_ALLOWED_HOSTS": "127.0.0.1",
                "_HANDLER": "functions.send_message.handler",
            }
        )
    await graph.drop()


async def first_tools(
    variables: dict[str, str], client: Client, model_server: ModelServer, *, is_restored: bool
) -> list[str]:
    """Start a function, ask one question, and return the names of the tools that the model got."""
    conversation = await client.begin()
    model_server.script(reply(text("Hello.")))
    kind = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"} if is_restored else {}
    async with runtime_api() as api:
        api.may_restore.set()
        with Process(COMMAND, {**variables, **kind, "AWS_LAMBDA_RUNTIME_API": api.address}, ROOT):
            # The request waits for the environment, as on Lambda.
            answer = await api.invoke(question(client, conversation, "Hi")).end()
    assert answer_of(answer).text == "Hello."
    return sorted(model_server.chats[-1].tool_names)


@pytest.mark.proves("streaming.first-tools")
@pytest.mark.parametrize("is_restored", [False, True], ids=["on-demand", "restored"])
async def test_the_first_answer_of_each_cold_start_has_every_tool(
    cold: dict[str, str], model_server: ModelServer, *, is_restored: bool
) -> None:
    with Service({**cold, "ENVIRONMENT": "development"}) as service:
        async with service.client() as client:
            found = [await first_tools(cold, client, model_server, is_restored=is_restored) for _ in range(STARTS)]
    assert all(set(names) >= TOOLS for names in found)
    assert all("list_organizations" in names for names in found)
    assert len({tuple(names) for names in found}) == 1
