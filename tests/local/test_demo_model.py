"""The demo model as a server of the Messages API, and as an assistant over the demo Imbi API's tools."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import pytest
from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.providers.openapi import MCPType, RouteMap

from local.demo_api import create_demo_api
from local.demo_api.auth import ACCESS_SECONDS, Tokens
from local.demo_api.llms import LLMS_TEXT
from local.demo_model import create_demo_model
from local.demo_model.decision import Decider
from local.demo_model.reply import Reply, stream
from local.demo_model.rules import parse_messages
from local.demo_model.titles import title_of
from local.demo_model.usage import InputUsage
from shared.domain.ports import ToolDefinition
from shared.tools.openapi.naming import Endpoint, tool_names
from shared.tools.results.read_result import READ_RESULT
from shared.tools.search.index import SEARCH_TOOL, ToolIndex, names_in, render

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from anthropic.types import Message

pytestmark = pytest.mark.anyio

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
    {
        "name": "mcp_calculator_get-sum",
        "description": "Returns the sum of two numbers.",
        "input_schema": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
    },
    {
        "name": "mcp_docs_search_runbooks",
        "description": "Search the runbooks.",
        "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    },
]
ABOUT_TOOLS = [json.loads(SEARCH_TOOL.encoded), json.loads(READ_RESULT.encoded)]
RESIDENT = {
    *("navigate_to", "refresh_data", "refresh_openapi_spec", "search_tools", "read_result"),
    *("list_organizations", "list_projects", "get_project", "list_teams"),
}
"""What is offered from the start, where not everything is."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(create_demo_model(words_per_second=math.inf))
    async with httpx2.AsyncClient(transport=transport, base_url="http://model") as client:
        yield client


@pytest.fixture(scope="module")
def claude(http: httpx2.AsyncClient) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(api_key="any", base_url="http://model", max_retries=0, http_client=http)


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
        if name == "mcp_calculator_get-sum":
            return f"The sum is {arguments['a'] + arguments['b']}.", False
        if name in {tool["name"] for tool in LOCAL_TOOLS}:
            return json.dumps({"status": "ok", **arguments}), False
        try:
            result = await self.api.call_tool(name, arguments)
        except ToolError as error:
            return str(error), True
        return "".join(getattr(content, "text", "") for content in result.content), False

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


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


@pytest.fixture(scope="module", params=["all", "few"])
def offering(request: pytest.FixtureRequest) -> str:
    """Whether all tools are offered, or few of them with a search for the others."""
    return str(request.param)


@pytest.fixture
async def admin(claude: anthropic.AsyncAnthropic, offering: str) -> Assistant:
    return await assistant_of("admin@example.com", claude, offering)


@pytest.fixture(scope="module")
async def shared_reader(claude: anthropic.AsyncAnthropic, offering: str) -> Assistant:
    return await assistant_of("admin@example.com", claude, offering)


@pytest.fixture
def reader(shared_reader: Assistant) -> Assistant:
    """An assistant at the beginning of a conversation, for questions that change nothing."""
    offered = None if shared_reader.offered is None else set(RESIDENT)
    return replace(shared_reader, messages=[], calls=[], rounds=[], searches=[], offered=offered)


@pytest.fixture
async def viewer(claude: anthropic.AsyncAnthropic, offering: str) -> Assistant:
    return await assistant_of("viewer@example.com", claude, offering)


async def reply_to(claude: anthropic.AsyncAnthropic, **request: Any) -> Message:
    reply: Message = await claude.messages.create(**{**HELLO, **request})
    return reply


def text_of(reply: Message) -> str:
    return "".join(block.text for block in reply.content if block.type == "text")


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


# The wire


async def events_of(http: httpx2.AsyncClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    response = await http.post("/v1/messages", json={**body, "stream": True}, headers=HEADERS)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["request-id"].startswith("req_")
    frames = [frame.split("\n") for frame in response.text.removesuffix("\n\n").split("\n\n")]
    events = [json.loads(data.removeprefix("data: ")) for _, data in frames]
    assert [name.removeprefix("event: ") for name, _ in frames] == [event["type"] for event in events]
    return events


async def test_a_text_is_streamed_in_the_apis_events(http: httpx2.AsyncClient) -> None:
    events = await events_of(http, HELLO)
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert set(kinds[3:-3]) <= {"content_block_delta", "ping"}
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    message = events[0]["message"]
    assert message["role"] == "assistant"
    assert message["model"] == "claude-demo"
    assert message["content"] == []
    assert message["stop_reason"] is None
    assert message["usage"]["input_tokens"] > 0
    assert events[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert events[-2]["usage"]["output_tokens"] > 10


async def test_a_call_is_streamed_in_pieces_of_its_input(http: httpx2.AsyncClient) -> None:
    question = {"role": "user", "content": "search the runbooks for a failover of the primary database"}
    events = await events_of(http, {**HELLO, "messages": [question], "tools": LOCAL_TOOLS})
    start = next(event for event in events if event["type"] == "content_block_start" and event["index"] == 1)
    assert start["content_block"]["type"] == "tool_use"
    assert start["content_block"]["id"].startswith("toolu_")
    assert start["content_block"]["input"] == {}
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta" and event["index"] == 1]
    assert {delta["type"] for delta in deltas} == {"input_json_delta"}
    assert len(deltas) > 2
    assert json.loads("".join(delta["partial_json"] for delta in deltas)) == {
        "query": "failover of the primary database"
    }
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_an_unstreamed_reply_has_the_same_content(claude: anthropic.AsyncAnthropic) -> None:
    whole = await reply_to(claude)
    async with claude.messages.stream(**HELLO) as events:
        streamed = await events.get_final_message()
    assert text_of(whole) == text_of(streamed)
    assert whole.stop_reason == streamed.stop_reason == "end_turn"
    assert whole.usage.output_tokens == streamed.usage.output_tokens


async def test_words_come_at_the_pace_asked_for() -> None:
    text = "one two three four five six seven eight"
    reply = Reply("msg_1", "claude-demo", [{"type": "text", "text": text}], "end_turn", None, InputUsage(1))
    arrivals = [time.monotonic() async for frame in stream(reply, 0.02) if b"text_delta" in frame]
    assert len(arrivals) == 8
    assert 7 * 0.019 <= arrivals[-1] - arrivals[0] < 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, 'messages: first message must use the "user" role'),
        ({"messages": [{"role": "user", "content": ""}]}, "messages.0: all messages must have non-empty content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
            "messages: text content blocks must be non-empty",
        ),
        (
            {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
            "The conversation must end with a user message.",
        ),
        ({"temperature": 0.5}, "temperature: Extra inputs are not permitted"),
        ({"tools": [{"name": "a b", "input_schema": {"type": "object"}}]}, "tools.0.custom.name: String should match"),
        ({"tools": [{"name": "a", "input_schema": {}}]}, "tools.0.custom.input_schema.type: Field required"),
        (
            {"tools": [{"name": "a", "input_schema": {"type": "object", "anyOf": []}}]},
            "input_schema does not support oneOf, allOf, or anyOf at the top level",
        ),
        (
            {"tools": [{"name": "a", "input_schema": {"type": "object", "properties": {"a b": {}}}}]},
            "tools.0.custom.input_schema.properties.a b",
        ),
        (
            {"tools": [{"name": "a", "input_schema": {"type": "object"}}] * 2},
            "tools: Tool names must be unique.",
        ),
        ({"tool_choice": {"type": "tool", "name": "a"}}, "Tool 'a' not found in provided tools"),
    ],
)
async def test_a_request_that_the_api_would_refuse_is_refused(
    http: httpx2.AsyncClient, change: dict[str, Any], message: str
) -> None:
    response = await http.post("/v1/messages", json={**HELLO, **change}, headers=HEADERS)
    body = response.json()
    assert response.status_code == 400
    assert body["type"] == "error"
    assert body["error"]["type"] == "invalid_request_error"
    assert message in body["error"]["message"]
    assert body["request_id"] == response.headers["request-id"]


def called(*results: dict[str, Any], before: Sequence[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    call = {"type": "tool_use", "id": "toolu_1", "name": "a", "input": {}}
    return [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [*before, *results]},
    ]


RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
TEXT = {"type": "text", "text": "and?"}


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        (called(TEXT), "`tool_use` ids were found without `tool_result` blocks immediately after: toolu_1"),
        (called(RESULT, before=[TEXT]), "immediately after: toolu_1"),
        (
            called(RESULT, {**RESULT, "tool_use_id": "toolu_2"}),
            "unexpected `tool_use_id` found in `tool_result` blocks",
        ),
        (called(RESULT, RESULT), "each tool_use must have a single result"),
    ],
)
async def test_every_call_must_have_its_result_in_the_next_message(
    http: httpx2.AsyncClient, messages: list[dict[str, Any]], message: str
) -> None:
    response = await http.post("/v1/messages", json={**HELLO, "messages": messages}, headers=HEADERS)
    assert response.status_code == 400
    assert message in response.json()["error"]["message"]


async def test_a_broken_body_and_a_missing_key_have_the_apis_errors(http: httpx2.AsyncClient) -> None:
    broken = await http.post("/v1/messages", content=b"{", headers=HEADERS)
    keyless = await http.post("/v1/messages", json=HELLO, headers={"anthropic-version": "2026-10-21"})
    elsewhere = await http.post("/v1/nothing", json=HELLO, headers=HEADERS)
    assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_request_error")
    assert (keyless.status_code, keyless.json()["error"]["type"]) == (401, "authentication_error")
    assert (elsewhere.status_code, elsewhere.json()["error"]["type"]) == (404, "not_found_error")


async def test_tokens_are_counted_for_what_would_be_sent(claude: anthropic.AsyncAnthropic) -> None:
    count = await claude.messages.count_tokens(model="claude-demo", messages=[{"role": "user", "content": "x" * 400}])
    assert 100 <= count.input_tokens <= 130


async def test_a_marked_prefix_is_written_to_the_cache_and_read_from_it(claude: anthropic.AsyncAnthropic) -> None:
    system = [{"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}]
    first = (await reply_to(claude, system=system)).usage
    second = (await reply_to(claude, system=system, messages=user("help"))).usage
    assert first.cache_creation_input_tokens is not None
    assert first.cache_creation_input_tokens > 2000
    assert first.cache_read_input_tokens == 0
    assert second.cache_creation_input_tokens == 0
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.input_tokens < 50


async def test_max_tokens_and_stop_sequences_end_a_reply(claude: anthropic.AsyncAnthropic) -> None:
    cut = await reply_to(claude, max_tokens=5)
    stopped = await reply_to(claude, stop_sequences=["demo"])
    assert cut.stop_reason == "max_tokens"
    assert cut.usage.output_tokens <= 5
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "demo")
    assert "demo" not in text_of(stopped)


# Titles


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Who owns the Payment Gateway?", "Owner of Payment Gateway"),
        ("Can you please show me the latest releases of checkout-api?", "Latest releases of checkout-api"),
        (
            '<context>{"page": "/projects/1"}</context>\nHow many projects are written in Go?',
            "Number of projects written in Go",
        ),
        ("What depends on the event bus? And why?", "Dependents of event bus"),
        ("hi", "Hi"),
    ],
)
def test_a_title_is_made_of_the_users_words(question: str, title: str) -> None:
    assert title_of(question) == title


async def test_a_request_for_a_title_gets_at_most_six_words_and_no_call(claude: anthropic.AsyncAnthropic) -> None:
    reply = await reply_to(
        claude,
        max_tokens=64,
        system="Reply with nothing but a title of at most six words for what the user asks.",
        messages=user("Tell me which of our projects in the shop depend on the payment gateway"),
    )
    assert reply.stop_reason == "end_turn"
    assert 0 < len(text_of(reply).split()) <= 6


# Questions


@pytest.mark.parametrize(
    ("question", "tool", "expected"),
    [
        ("Who owns the Payment Gateway?", "list_team_members", ["Payment Gateway", "Checkout & Payments", "Elena"]),
        ("Which projects does the checkout team have?", "list_projects", ["**13** projects", "Refund Worker"]),
        (
            "Which projects are written in Ruby?",
            "list_project_types",
            ["language is **Ruby**", "Legacy Checkout"],
        ),
        ("How many projects are written in Go?", "list_project_types", ["There are **12** projects"]),
        (
            "How many projects are there per team?",
            "list_projects",
            ["**87** projects, by team", "| Fulfillment | 12 |"],
        ),
        ("projects using FastAPI", "list_projects", ["framework is **FastAPI**"]),
        (
            "What does checkout-api depend on?",
            "get_project_relationships",
            ["depends on **5** projects", "[Cart API]("],
        ),
        ("What depends on the event bus?", "get_project_relationships", ["[Audit Trail]("]),
        ("What are the latest releases?", "list_projects", ["current releases", "| Tag |"]),
        ("Latest releases of Account API", "list_releases", ["Releases of **[Account API]", "Running now"]),
        ("What happened recently?", "list_operation_logs", ["operation logs", "| Occurred at |"]),
        ("Last 3 operations of the checkout api", "list_operation_logs", ["project is **checkout-api**"]),
        ("Who is on the identity team?", "list_team_members", ["Maya Lindqvist", "Devin Okafor"]),
        ("Which environments are there?", "list_environments", ["**4** environments", "/admin/environments/staging"]),
        ("list all project types", "list_project_types", ["**8** project types", "Data Pipeline"]),
        ("Which teams are there?", "list_teams", ["**8** teams", "/teams/identity"]),
        ("Describe the Token Signer", "get_project", ["**Programming language:** Go", "**Team:** Identity"]),
        ("What is the Partner Sandbox environment?", "get_environment", ["### **[Partner Sandbox]"]),
        ("What language is the Checkout API written in?", "get_project", ["is **Kotlin**"]),
        ("Compare Account API and Permission API", "get_project", ["| Programming language | Python | Python |"]),
        ("Which libraries are there?", "list_projects", ["project type is **Library**", "Design System"]),
        ("Which 3 projects have the highest score?", "list_projects", ["**3** projects whose score is highest"]),
        ("Find projects related to payment", "list_projects", ["Fraud Scoring"]),
        ("Who am I?", "get_current_user_profile", ["Ada Whitfield", "administrator"]),
        ("list the members of the organization", "list_organization_members", ["organization members"]),
        ("Which projects does the data team own?", "list_projects", ["**9** projects whose team is **Data Platform**"]),
        ("Who is on the data team?", "list_team_members", ["Viktor Petrov"]),
        ("Tell me about the data team", "get_team", ["### **[Data Platform](/teams/data-platform)**"]),
        ("Tell me about all teams", "list_teams", ["**8** teams:"]),
        ("Describe the environments", "list_environments", ["**4** environments:"]),
    ],
)
async def test_a_question_is_answered_from_the_tools(
    reader: Assistant, question: str, tool: str, expected: list[str]
) -> None:
    answer = await reader.ask(question)
    assert tool in reader.names()
    assert [text for text in expected if text not in answer] == []


async def test_a_follow_up_is_about_what_was_spoken_of_before(reader: Assistant) -> None:
    await reader.ask("Who owns the Payment Gateway?")
    answer = await reader.ask("and its dependencies?")
    assert "Payment Gateway" in answer
    assert "[Payment Database](" in answer
    assert "Elena Marchetti" in await reader.ask("Who are the members of that team?")


async def test_both_parts_of_a_double_question_are_answered(reader: Assistant) -> None:
    answer = await reader.ask("Which team owns the Key Vault and what depends on it?")
    assert "Platform Engineering" in answer
    assert "[Token Signer](" in answer


async def test_this_project_is_the_one_that_the_page_shows(reader: Assistant) -> None:
    answer = await reader.ask('<context>{"project": {"slug": "price-api"}}</context> What does this project depend on?')
    assert "[Price Database](" in answer


async def test_independent_lookups_are_made_side_by_side(reader: Assistant) -> None:
    await reader.ask("Compare Account API, Cart API and Price API")
    assert max(reader.rounds) == 3
    await reader.ask("Last 5 operations of the checkout api in production")
    assert max(reader.rounds) >= 2
    assert reader.calls[-1][1] == {"project_slug": "checkout-api", "environment_slug": "production", "limit": 5}


async def test_a_project_type_is_created_and_its_page_opened(admin: Assistant) -> None:
    answer = await admin.ask('Create a project type named "Batch Job" and go to its page')
    assert admin.names()[-3:] == ["create_project_type", "refresh_data", "navigate_to"]
    assert admin.calls[-2][1]["resource"] == "project_types"
    assert admin.calls[-1][1] == {"path": "/admin/project-types/batch-job"}
    assert "[Batch Job](/admin/project-types/batch-job)" in answer
    assert "Batch Job" in await admin.ask("list the project types")


async def test_a_project_is_created_with_what_it_needs(admin: Assistant) -> None:
    await admin.ask('Create a project named "Gift Cards" for the checkout team of type http-api')
    created = dict(admin.calls)["create_project"]
    assert created["team_slug"] == "checkout"
    assert created["project_type_slugs"] == ["http-api"]
    assert "Checkout & Payments" in await admin.ask("Who owns Gift Cards?")


async def test_what_is_missing_for_a_creation_is_asked_for(admin: Assistant) -> None:
    answer = await admin.ask("Create a project type")
    assert "name" in answer
    assert "create_project_type" not in admin.names()


async def test_a_project_is_renamed(admin: Assistant) -> None:
    answer = await admin.ask("Rename the Deploy CLI to Deployment CLI")
    assert dict(admin.calls)["patch_project"]["operations"] == [
        {"op": "replace", "path": "/name", "value": "Deployment CLI"}
    ]
    assert "Its slug is still `deploy-cli`" in answer
    assert "Deployment CLI" in await admin.ask("Describe deploy-cli")


async def test_nothing_is_deleted_before_the_user_agrees(admin: Assistant) -> None:
    question = await admin.ask("Delete the project Cost Reporter")
    assert "Cost Reporter" in question
    assert "delete_project" not in admin.names()
    assert "is deleted" in await admin.ask("yes")
    assert "delete_project" in admin.names()


async def test_a_refusal_is_told_in_plain_words(viewer: Assistant) -> None:
    answer = await viewer.ask('Create a team named "Night Watch"')
    assert "you are not allowed to do that" in answer
    assert "team:create" in answer
    assert "**22** permissions" in await viewer.ask("What may I do?")


async def test_a_name_that_is_not_there_is_not_made_up(reader: Assistant) -> None:
    assert "could not tell which project" in await reader.ask("Who owns the foobar thing?")
    assert "Checkout & Payments" in await reader.ask("Who owns the Paymnt Gateway?")


async def test_the_user_is_taken_to_a_page(reader: Assistant) -> None:
    await reader.ask("Take me to the operations log")
    assert reader.calls == [("navigate_to", {"path": "/operations-log"})]


async def test_what_is_not_offered_is_searched_for_once(reader: Assistant) -> None:
    if reader.offered is None:
        return
    await reader.ask("Which environments are there?")
    assert (reader.searches, reader.names()) == (["environments"], ["list_organizations", "list_environments"])
    await reader.ask("Which environments are there?")
    assert reader.searches == []
    await reader.ask("Who owns the Payment Gateway?")
    assert (reader.searches, reader.rounds) == (["list team member"], [1, 1, 1, 1])
    assert "I did not understand" in await reader.ask("Which spaceships are there?")
    assert reader.searches == ["spaceships"]


async def test_external_and_refreshing_tools_are_chosen_like_all_others(reader: Assistant) -> None:
    assert "The sum is 7.5." in await reader.ask("What is the sum of 3 and 4.5?")
    await reader.ask("search the runbooks for failover")
    assert reader.calls == [("mcp_docs_search_runbooks", {"query": "failover"})]
    await reader.ask("Refresh your tools")
    assert reader.names() == ["refresh_openapi_spec"]


async def test_a_result_that_was_cut_off_is_read_as_far_as_it_goes(reader: Assistant) -> None:
    reader.longest_result = 30_000
    answer = await reader.ask("Who owns the Account API?")
    assert "Identity" in answer
    assert "was cut off" in await reader.ask("list all projects")


@pytest.mark.parametrize(
    "question", ["What is the weather like in Rome?", "Tell me a joke", "Are you a language model?"]
)
async def test_what_it_cannot_do_it_says(reader: Assistant, question: str) -> None:
    answer = await reader.ask(question)
    assert reader.calls == []
    assert "without a language model" in answer
    assert "ANTHROPIC_API_KEY" in answer
    assert "Who owns *a project*?" in answer


async def test_without_a_call_it_answers_from_what_it_has(reader: Assistant) -> None:
    await reader.ask("Which teams are there?")
    asked = reader.messages[:-1]
    forbidden = await reply_to(reader.model, messages=asked, tools=reader.tools, tool_choice={"type": "none"})
    toolless = await reply_to(reader.model, messages=asked)
    for reply in (forbidden, toolless):
        assert reply.stop_reason in {"end_turn", "max_tokens"}
        assert "Identity" in text_of(reply)


async def test_no_tools_are_called_where_none_may_be(reader: Assistant) -> None:
    question = user("Which teams are there?")
    reply = await reply_to(reader.model, messages=question, tools=reader.tools, tool_choice={"type": "none"})
    assert reply.stop_reason == "end_turn"
    assert "I cannot call any now" in text_of(reply)


async def test_a_tool_that_must_be_called_is_called(reader: Assistant) -> None:
    choice = {"type": "tool", "name": "list_organizations"}
    reply = await reply_to(reader.model, tools=reader.tools, tool_choice=choice)
    assert [block.name for block in reply.content if block.type == "tool_use"] == ["list_organizations"]


async def test_one_call_at_a_time_is_made_where_that_is_asked_for(reader: Assistant) -> None:
    tools = [tool for tool in reader.tools if tool["name"] != "list_organizations"]
    question = user("Last 5 operations of the checkout api, organization: fernwood")
    several = await reply_to(reader.model, messages=question, tools=tools)
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    single = await reply_to(reader.model, messages=question, tools=tools, tool_choice=choice)
    assert sum(block.type == "tool_use" for block in several.content) > 1
    assert sum(block.type == "tool_use" for block in single.content) == 1


def test_choosing_among_hundreds_of_tools_is_quick() -> None:
    kinds = [
        f"{first}_{second}" for first in ("project", "team", "audit", "cloud", "ticket") for second in "abcdefghij"
    ]
    schema = {"type": "object", "properties": {"org_slug": {"type": "string"}}, "required": ["org_slug"]}
    tools = [
        {"name": f"{verb}_{kind}s", "description": "What there is to know. " * 30, "input_schema": schema}
        for kind in kinds
        for verb in ("list", "get", "create", "patch", "delete", "archive")
    ]
    messages = [{"role": "user", "content": "Which audit cs are there in production?"}]
    request = parse_messages(json.dumps({**HELLO, "messages": messages, "tools": tools}).encode())
    decider = Decider()
    durations = []
    for _ in range(5):
        started = time.perf_counter()
        decider.decide(request)
        durations.append(time.perf_counter() - started)
    assert min(durations) < 0.02
