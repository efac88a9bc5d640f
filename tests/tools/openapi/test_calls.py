"""Calls of the API's tools: what reaches the API, and what the model gets back."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse

from shared.domain.errors import ToolError
from shared.domain.models import Caller
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.background import served
from tests.support.imbi_api import ADMIN, READER, ImbiApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.domain.models import JsonObject

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api() -> ImbiApi:
    return ImbiApi()


@pytest.fixture
async def tools(api: ImbiApi) -> AsyncIterator[OpenAPIToolset]:
    toolset = api.toolset(timeout=20.0)
    await toolset.load()
    yield toolset
    await toolset.aclose()


async def told(tools: OpenAPIToolset, name: str, caller: Caller = ADMIN, /, **arguments: Any) -> Any:
    output = await tools.call(name, arguments, caller)
    assert not output.is_error, output.content
    assert isinstance(output.content, str)
    return json.loads(output.content)


async def test_arguments_go_where_they_belong(tools: OpenAPIToolset) -> None:
    arguments = {"org_slug": "acme", "filter": ["a:eq:b", "c:ne:d e"], "slim": True, "page_size_": 5, "x-trace": "t"}
    answer = await told(tools, "list_projects", **arguments)
    assert answer["query"] == "filter=a%3Aeq%3Ab&filter=c%3Ane%3Ad+e&slim=true&page%5Bsize%5D=5"
    assert (answer["page_size"], answer["trace"]) == (5, "t")


async def test_what_is_null_is_not_sent(tools: OpenAPIToolset) -> None:
    answer = await told(tools, "list_projects", org_slug="acme", filter=None, slim=None, limit=None)
    assert answer["query"] == ""


async def test_null_is_sent_where_it_means_something(tools: OpenAPIToolset) -> None:
    answer = await told(tools, "create_project", org_slug="acme", name="A", description=None, kind=None)
    assert answer == {"org": "acme", "name": "A", "description": None}


async def test_a_body_takes_the_fields_that_it_has_no_names_for(tools: OpenAPIToolset) -> None:
    answer = await told(tools, "create_project", org_slug="acme", name="A", framework="fastapi", parent={"name": "B"})
    assert answer == {"org": "acme", "name": "A", "framework": "fastapi", "parent": {"name": "B"}}


async def test_a_field_and_a_parameter_of_one_name_are_told_apart(tools: OpenAPIToolset) -> None:
    answer = await told(tools, "update_template", org_slug="acme", slug__path="old", slug="new")
    assert answer == {"org": "acme", "path": "old", "slug": "new"}


async def test_a_list_is_a_body(tools: OpenAPIToolset) -> None:
    steps = [{"op": "replace", "path": "/name", "value": "B"}]
    assert (await told(tools, "patch_project", org_slug="a", project_id="1", operations=steps))["count"] == 1
    assert (await told(tools, "patch_project", org_slug="a", project_id="1", operations=json.dumps(steps)))[
        "count"
    ] == 1


async def test_a_required_body_without_fields_is_sent_empty(tools: OpenAPIToolset) -> None:
    assert await told(tools, "scan_projects", org_slug="acme") == {"org": "acme", "depth": 1}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("Hello", {"name": "file.txt", "type": "text/plain", "content": "Hello"}),
        ("<svg/>", {"name": "file.svg", "type": "image/svg+xml", "content": "<svg/>"}),
        ("data:text/csv;base64,YSxi", {"name": "file.csv", "type": "text/csv", "content": "a,b"}),
        ("data:text/html,a%20b", {"name": "file.html", "type": "text/html", "content": "a b"}),
        ("data:,plain", {"name": "file.plain", "type": "text/plain", "content": "plain"}),
        ("data:a\r\nX: b,c", {"name": "file.octet", "type": "application/octet-stream", "content": "c"}),
    ],
)
async def test_a_file_is_uploaded(tools: OpenAPIToolset, file: str, expected: JsonObject) -> None:
    assert await told(tools, "create_file", org_slug="acme", file=file) == {"org": "acme", **expected}


async def test_arguments_are_read_as_leniently_as_by_the_api(tools: OpenAPIToolset) -> None:
    answer = await told(tools, "list_projects", org_slug=12, slim="True", limit="7", filter="a:eq:b")
    assert answer["query"] == "slim=true&limit=7&filter=a%3Aeq%3Ab"
    assert (await told(tools, "list_projects", org_slug="a", limit=7.0))["query"] == "limit=7"
    assert (await told(tools, "scan_projects", org_slug="a", depth="1e1"))["depth"] == 10
    assert (await told(tools, "create_project", org_slug="a", name=5))["name"] == "5"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("list_projects", {}, "Missing required argument: org_slug."),
        ("create_project", {"org_slug": None}, "Missing required arguments: org_slug, name."),
        ("list_projects", {"org_slug": "a", "limit": "many"}, 'Argument limit must be an integer, not "many".'),
        ("list_projects", {"org_slug": "a", "limit": 1.5}, "Argument limit must be an integer, not 1.5."),
        ("list_projects", {"org_slug": ["a"]}, 'Argument org_slug must be a string, not ["a"].'),
        (
            "list_projects",
            {"org_slug": "a", "filters": "b"},
            'There is no argument "filters". list_projects takes org_',
        ),
        (
            "create_project",
            {"org_slug": "a", "name": "b", "kind": "c"},
            'Argument kind must be one of ["service", "lib',
        ),
        ("create_project", {"org_slug": "a", "name": True}, "Argument name must be a string, not true."),
        ("list_projects", {"org_slug": "a", "x-trace": "b\r\nc: d"}, "Argument x-trace has characters that cannot be"),
        ("create_file", {"org_slug": "a", "file": "data:text/csv;base64,?"}, "Argument file is no valid data: URI."),
        ("get_whoami", {}, "There is no tool named 'get_whoami'."),
        ("get_secrets", {"org_slug": "a", "project_id": "b"}, "There is no tool named 'get_secrets'."),
    ],
)
async def test_wrong_arguments_are_named(
    tools: OpenAPIToolset, api: ImbiApi, name: str, arguments: JsonObject, message: str
) -> None:
    before = len(api.seen)
    with pytest.raises(ToolError) as error:
        await tools.call(name, arguments, ADMIN)
    assert str(error.value).startswith(message)
    assert len(api.seen) == before


@pytest.mark.parametrize(
    "project_id",
    [
        "",
        ".",
        "..",
        "../teams",
        "a/b",
        "/etc",
        "a\\b",
        "a%2Fb",
        "%2e%2e",
        "%252e%252e%252f",
        "a\x00b",
        "a\nb",
        "%" * 2 + "25" * 9,
    ],
)
async def test_a_path_parameter_stays_one_segment(api: ImbiApi, tools: OpenAPIToolset, project_id: str) -> None:
    before = len(api.seen)
    try:
        answer = await told(tools, "get_project", org_slug="acme", project_id=project_id)
    except ToolError:
        assert len(api.seen) == before
    else:
        assert answer == {"org": "acme", "id": project_id}


@pytest.mark.parametrize(
    "project_id", ["a b", "a?b=c", "a#b", "a;b", "ä", "a.b", "a%b", "{org_slug}", "a:b", "..a", "a&b"]
)
async def test_a_path_parameter_arrives_as_it_was(project_id: str) -> None:
    api = ImbiApi()
    with served(api.app) as url:
        tools = OpenAPIToolset(url, timeout=20.0)
        await tools.load()
        assert await told(tools, "get_project", org_slug="acme", project_id=project_id) == {
            "org": "acme",
            "id": project_id,
        }
        await tools.aclose()


async def test_a_parameter_does_not_lead_to_what_is_no_tool() -> None:
    app = FastAPI()

    @app.get("/api/{section}/{name}")
    async def get_thing(section: str, name: str) -> str:
        return f"{section}/{name}"

    @app.get("/api/teams/{name}/members")
    async def list_members(name: str) -> str:
        return name

    tools = OpenAPIToolset("http://api", transport=httpx2.ASGITransport(app))
    await tools.load()
    assert await told(tools, "get_thing", section="teams", name="auth") == "teams/auth"
    for section in ("auth", "AUTH", "mfa"):
        with pytest.raises(ToolError, match="not available"):
            await tools.call("get_thing", {"section": section, "name": "login"}, ADMIN)
    await tools.aclose()


async def test_each_call_carries_its_callers_token_and_no_other() -> None:
    api = ImbiApi()
    with served(api.app) as url:
        tools = OpenAPIToolset(url, timeout=20.0)
        await tools.load()
        callers = [Caller(ADMIN.principal, f"token-{number % 2}-{number}") for number in range(50)]
        answers = await asyncio.gather(
            *(told(tools, "whoami", caller, wait=(number * 7 % 10) / 500) for number, caller in enumerate(callers))
        )
        await tools.aclose()
    assert answers == [f"Bearer {caller.token}" for caller in callers]
    assert api.seen[0] == ("GET", "/openapi.json", None)


async def test_cookies_of_one_caller_do_not_reach_another(tools: OpenAPIToolset, api: ImbiApi) -> None:
    await told(tools, "whoami", ADMIN)
    await told(tools, "whoami", READER)
    assert api.cookies == [None, None, None]


async def test_a_caller_without_a_token_sends_none(tools: OpenAPIToolset, api: ImbiApi) -> None:
    await tools.call("whoami", {}, Caller(READER.principal, ""))
    assert api.seen[-1] == ("GET", "/api/whoami", None)


async def test_a_redirect_within_the_api_keeps_method_body_and_token(tools: OpenAPIToolset) -> None:
    answer = await told(tools, "post_moved", READER, depth=3)
    assert answer == {"query": "depth=3", "body": {"depth": 3}, "token": "Bearer reader-token"}


async def test_a_redirect_to_another_host_is_not_followed(tools: OpenAPIToolset) -> None:
    with pytest.raises(ToolError, match="redirected to another host"):
        await tools.call("get_elsewhere", {}, ADMIN)


async def test_a_redirect_to_another_port_is_not_followed() -> None:
    stolen: list[str | None] = []
    thief, victim = FastAPI(), FastAPI()

    @thief.get("/x")
    async def steal(request: Request) -> None:
        stolen.append(request.headers.get("Authorization"))

    with served(thief) as thief_url:

        @victim.get("/api/trap")
        async def get_trap() -> RedirectResponse:
            return RedirectResponse(f"{thief_url}/x")

        with served(victim) as url:
            tools = OpenAPIToolset(url, timeout=20.0)
            await tools.load()
            with pytest.raises(ToolError, match="redirected to another host"):
                await tools.call("get_trap", {}, ADMIN)
            await tools.aclose()
    assert stolen == []


async def test_a_call_that_takes_too_long_ends(api: ImbiApi) -> None:
    tools = api.toolset(timeout=0.5)
    await tools.load()
    with pytest.raises(ToolError, match=r"did not answer within 0\.5 seconds"):
        await tools.call("get_late", {}, ADMIN)
    await tools.aclose()


async def test_an_api_that_is_gone_is_told() -> None:
    api = ImbiApi()
    with served(api.app) as url:
        tools = OpenAPIToolset(url, timeout=20.0)
        await tools.load()
    with pytest.raises(ToolError, match="cannot be reached"):
        await tools.call("whoami", {}, ADMIN)
    await tools.aclose()


async def test_a_connection_that_breaks_off_is_told() -> None:
    class Breaking(httpx2.AsyncBaseTransport):
        def __init__(self, app: FastAPI) -> None:
            self.inner = httpx2.ASGITransport(app)

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.url.path != "/openapi.json":
                raise httpx2.ReadError("reset")
            return await self.inner.handle_async_request(request)

    tools = OpenAPIToolset("http://api", transport=Breaking(ImbiApi().app))
    await tools.load()
    with pytest.raises(ToolError, match="broke off before its answer was complete"):
        await tools.call("whoami", {}, ADMIN)
    await tools.aclose()


@pytest.mark.parametrize(
    ("name", "arguments", "content"),
    [
        ("delete_project", {"org_slug": "a", "project_id": "b"}, "Done (204 No Content); the API gave no content."),
        ("get_picture", {}, "Binary content, which is not shown: image/png, 6 bytes."),
        ("get_page", {}, "café"),
    ],
)
async def test_answers_that_are_no_json_are_told(
    tools: OpenAPIToolset, name: str, arguments: JsonObject, content: str
) -> None:
    output = await tools.call(name, arguments, ADMIN)
    assert (output.content, output.is_error) == (content, False)


async def test_a_huge_answer_is_not_read_to_its_end(tools: OpenAPIToolset) -> None:
    with pytest.raises(ToolError, match="larger than 16 MB: ask for less"):
        await tools.call("get_large", {}, ADMIN)


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (404, "detail", "HTTP 404 Not Found: No project 'x' here."),
        (409, "dict", 'HTTP 409 Conflict: {"code":"conflict"}'),
        (400, "plain", "HTTP 400 Bad Request: Plainly wrong."),
        (400, "page", "HTTP 400 Bad Request"),
        (403, "empty", "HTTP 403 Forbidden"),
        (400, "list", 'HTTP 400 Bad Request: ["a",1]'),
        (400, "bare", 'HTTP 400 Bad Request: {"problem":"bad"}'),
        (500, "bare", "HTTP 500 Internal Server Error"),
        (400, "broken", "HTTP 400 Bad Request"),
        (499, "detail", "HTTP 499: No project 'x' here."),
        (304, "empty", "HTTP 304 Not Modified"),
        (500, "trace", "HTTP 500 Internal Server Error: Broken."),
        (500, "plain", "HTTP 500 Internal Server Error"),
        (503, "urls", "HTTP 503 Service Unavailable: See …, … and …."),
        (400, "urls", "HTTP 400 Bad Request: See …, … and https://docs.example.com/help."),
        (400, "token", "HTTP 400 Bad Request: You sent …"),
        (400, "long", f"HTTP 400 Bad Request: {'x' * 2000}…"),
    ],
)
async def test_what_the_api_refuses_is_an_error_to_act_on(
    tools: OpenAPIToolset, status: int, kind: str, expected: str
) -> None:
    output = await tools.call("get_failing", {"status": status, "kind": kind}, ADMIN)
    assert output.is_error
    assert output.content == expected


async def test_validation_errors_are_a_line_each(tools: OpenAPIToolset) -> None:
    output = await tools.call("create_project", {"org_slug": "a", "name": "", "owners": [1]}, ADMIN)
    assert output.is_error
    assert str(output.content).partition(": ")[2] == (
        "body.name: String should have at least 1 character\nbody.owners.0: Input should be a valid string"
    )


async def test_a_cancelled_call_leaves_the_toolset_usable(tools: OpenAPIToolset, api: ImbiApi) -> None:
    call = asyncio.create_task(tools.call("get_late", {}, ADMIN))
    before = threading.active_count()
    while not any(path == "/api/late" for _, path, _ in api.seen):  # noqa: ASYNC110  # bounded by the test's timeout
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await told(tools, "whoami", READER) == "Bearer reader-token"
    assert threading.active_count() <= before
