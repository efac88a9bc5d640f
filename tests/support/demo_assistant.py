"""An assistant that loops between the demo model and the demo Imbi API's tools, as the service does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.providers.openapi import MCPType, RouteMap
from pydantic import TypeAdapter
from pydantic_core import to_json

from local.demo_api import create_demo_api
from local.demo_api.auth import ACCESS_SECONDS, Tokens
from local.demo_api.llms import LLMS_TEXT
from local.mcp_servers.cloud_costs import get_cloud_bill, list_cloud_costs
from local.mcp_servers.on_call import get_incident, list_incidents, list_team_rotas
from shared.domain.ports import ToolDefinition
from shared.tools.openapi.naming import Endpoint, tool_names
from shared.tools.results.read_result import READ_RESULT
from shared.tools.search.index import SEARCH_TOOL, ToolIndex, names_in, render

if TYPE_CHECKING:
    import anthropic
    from anthropic.types import Message

SECRET = "a secret of at least thirty-two bytes"
SYSTEM = f"You are Imbi's assistant.\n\n{LLMS_TEXT}\n\nThe user is Devin Okafor (developer@example.com)."
ROUNDS = 10
HEADERS = {"x-api-key": "any", "anthropic-version": "2026-10-21"}
HELLO: dict[str, Any] = {"model": "claude-demo", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hello"}]}
RESOURCES = ["projects", "project_types", "environments", "teams", "users"]
LOCAL_TOOLS: list[dict[str, Any]] = [
    {
        "name": "navigate_to",
        "description": "Go to a page of the UI.",
        "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    },
    {
        "name": "refresh_data",
        "description": "Have the UI load data anew after a change.",
        "input_schema": {
            "type": "object",
            "properties": {"resource": {"type": "string", "enum": RESOURCES}, "org_slug": {"type": "string"}},
            "required": ["resource"],
        },
    },
    {
        "name": "refresh_openapi_spec",
        "description": "Read the API's document and the external servers again.",
        "input_schema": {"type": "object", "properties": {}},
    },
]
SERVER_TOOLS: dict[str, Any] = {
    "mcp_oncall_list_team_rotas": list_team_rotas,
    "mcp_oncall_list_incidents": list_incidents,
    "mcp_oncall_get_incident": get_incident,
    "mcp_costs_list_cloud_costs": list_cloud_costs,
    "mcp_costs_get_cloud_bill": get_cloud_bill,
}
"""The tools of the demo's external servers."""
LOCAL_TOOLS += [
    {"name": name, "description": function.__doc__, "input_schema": TypeAdapter(function).json_schema()}
    for name, function in SERVER_TOOLS.items()
]
ABOUT_TOOLS = [json.loads(SEARCH_TOOL.encoded), json.loads(READ_RESULT.encoded)]
RESIDENT = {
    *("navigate_to", "refresh_data", "refresh_openapi_spec", "search_tools", "read_result"),
    *("list_organizations", "list_projects", "get_project", "list_teams"),
}
"""What is offered from the start, where not everything is."""


@dataclass
class Assistant:
    """Loops between the model and the tools, as the service does."""

    model: anthropic.AsyncAnthropic
    api: FastMCP[Any]
    tools: list[dict[str, Any]]
    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    """How many calls each reply made."""
    longest_result: int = 10**9
    offered: set[str] | None = None
    """What is offered so far, where the rest has to be searched for."""
    searches: list[str] = field(default_factory=list)

    async def ask(self, question: str) -> str:
        self.messages.append({"role": "user", "content": question})
        self.calls.clear()
        self.rounds.clear()
        self.searches.clear()
        for _ in range(ROUNDS):
            reply = await self._reply()
            self.messages.append({"role": "assistant", "content": [block.model_dump() for block in reply.content]})
            if reply.stop_reason != "tool_use":
                return "".join(block.text for block in reply.content if block.type == "text")
            self.messages.append({"role": "user", "content": await self._results(reply)})
        raise AssertionError("the model asked for too many rounds")

    async def _reply(self) -> Message:
        async with self.model.messages.stream(
            model="claude-demo",
            max_tokens=16_000,
            system=SYSTEM,
            messages=self.messages,  # type: ignore[arg-type]  # plain dictionaries, as they are stored
            tools=self.tools_now(),  # type: ignore[arg-type]  # plain dictionaries
        ) as events:
            return await events.get_final_message()

    def tools_now(self) -> list[dict[str, Any]]:
        if self.offered is None:
            return self.tools
        return [tool for tool in [*self.tools, *ABOUT_TOOLS] if tool["name"] in self.offered]

    def _search(self, query: str) -> str:
        found = ToolIndex([ToolDefinition(**tool) for tool in self.tools]).search(query)
        text = render(found)
        assert self.offered is not None
        self.offered.update(names_in(text))
        return text

    async def _results(self, reply: Message) -> list[dict[str, Any]]:
        blocks = [block for block in reply.content if block.type == "tool_use"]
        self.rounds.append(len(blocks))
        results = []
        for block in blocks:
            if block.name == SEARCH_TOOL.name:
                self.searches.append(str(dict(block.input)["query"]))
            else:
                self.calls.append((block.name, dict(block.input)))
            text, is_error = await self._run(block.name, dict(block.input))
            results.append(
                {"type": "tool_result", "tool_use_id": block.id, "content": self._cut(text), "is_error": is_error}
            )
        return results

    def _cut(self, text: str) -> str:
        notice = f"\n\n[Cut: {len(text)} characters. Ask for less.]"
        return text if len(text) <= self.longest_result else text[: self.longest_result] + notice

    async def _run(self, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        if name not in {tool["name"] for tool in self.tools_now()}:
            return f"There is no tool named {name}.", True
        if name == SEARCH_TOOL.name:
            return self._search(arguments["query"]), False
        if name in SERVER_TOOLS:
            return _run_server_tool(name, arguments)
        if name in {tool["name"] for tool in LOCAL_TOOLS}:
            return json.dumps({"status": "ok", **arguments}), False
        try:
            result = await self.api.call_tool(name, arguments)
        except ToolError as error:
            return str(error), True
        return "".join(getattr(content, "text", "") for content in result.content), False

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


def _run_server_tool(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
    try:
        return to_json(SERVER_TOOLS[name](**arguments)).decode(), False
    except ToolError as error:
        return str(error), True


async def assistant_of(email: str, claude: anthropic.AsyncAnthropic, offering: str) -> Assistant:
    api = create_demo_api(SECRET)
    token = Tokens(SECRET).issue(email, "access", ACCESS_SECONDS)
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(api), base_url="http://api", headers={"authorization": f"Bearer {token}"}
    )
    document = api.openapi()
    endpoints = {
        Endpoint(method, path, operation["operationId"]): operation["operationId"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if not path.startswith(("/api/auth", "/api/mfa"))
    }
    server = FastMCP.from_openapi(
        document,
        client,
        name="Imbi",
        route_maps=[
            RouteMap(pattern=r"^/api/(auth|mfa)/|^/llms|/status$", mcp_type=MCPType.EXCLUDE),
            RouteMap(mcp_type=MCPType.TOOL),
        ],
        mcp_names={endpoints[endpoint]: name for endpoint, name in tool_names(endpoints).items()},
        validate_output=False,
    )
    tools = [tool.to_mcp_tool() for tool in await server.list_tools()]
    offered = [
        {"name": tool.name, "description": tool.description or "", "input_schema": tool.input_schema} for tool in tools
    ]
    return Assistant(claude, server, offered + LOCAL_TOOLS, offered=set(RESIDENT) if offering == "few" else None)


async def reply_to(claude: anthropic.AsyncAnthropic, **request: Any) -> Message:
    reply: Message = await claude.messages.create(**{**HELLO, **request})
    return reply


def text_of(reply: Message) -> str:
    return "".join(block.text for block in reply.content if block.type == "text")


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]
