"""Reading the API's document: when, how often, what is kept, and who is offered what."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from local.messages_api.tools import tool_problems
from shared.domain.errors import ToolError
from shared.domain.models import Principal
from shared.tools.definitions.terms import TERMS
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN, GUEST, READER, ImbiApi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.ports import ToolDefinition, Toolset

pytestmark = pytest.mark.anyio

EVERYBODYS = {
    "create_file",
    "get_elsewhere",
    "get_failing",
    "get_large",
    "get_late",
    "get_page",
    "get_picture",
    "post_landed",
    "post_moved",
    "scan_projects",
    "update_template",
    "whoami",
}
READERS = {"list_projects", "get_project"}
WRITERS = {"create_project", "patch_project"}
ADMINS = {"delete_project"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Documents(httpx2.AsyncBaseTransport):
    """An API that only has a document, which a test changes; each reading may be held up."""

    def __init__(self, *documents: Any) -> None:
        self.documents = list(documents)
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:  # noqa: ARG002  # the interface's
        self.asked += 1
        await self.open.wait()
        document = self.documents.pop(0) if len(self.documents) > 1 else self.documents[0]
        if isinstance(document, Exception):
            raise document
        if isinstance(document, httpx2.Response):
            return document
        return httpx2.Response(200, content=document if isinstance(document, bytes) else json.dumps(document).encode())


def document(*names: str, **paths: Any) -> dict[str, Any]:
    found: dict[str, Any] = {f"/api/{name}": {"get": {"operationId": name}} for name in names}
    return {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {**found, **paths}}


def toolset(*documents: Any) -> tuple[OpenAPIToolset, Documents]:
    transport = Documents(*documents)
    return OpenAPIToolset("http://imbi-api:8000", timeout=5.0, transport=transport), transport


def names(definitions: Sequence[ToolDefinition]) -> list[str]:
    return [definition.name for definition in definitions]


class Store:
    """Keeps a document in memory."""

    def __init__(self, content: bytes | None = None) -> None:
        self.content = content
        self.written = 0

    async def read(self) -> bytes | None:
        return self.content

    async def write(self, content: bytes) -> None:
        self.content = content
        self.written += 1


@pytest.mark.proves("start.kept-document")
async def test_a_start_waits_for_no_api_whose_document_is_kept() -> None:
    transport = Documents(document("a", "b"))
    transport.open.clear()
    store = Store(json.dumps(document("a")).encode())
    tools = OpenAPIToolset("http://imbi-api:8000", timeout=5.0, transport=transport, store=store)
    await tools.ensure_loaded()
    assert names(tools.definitions(ADMIN.principal)) == ["a"]
    transport.open.set()
    assert await tools.load() == 2
    assert store.written == 0, "keeping is done when nobody waits"
    await tools.keep()
    await tools.keep()
    assert (store.content, store.written) == (json.dumps(document("a", "b")).encode(), 1)
    await tools.aclose()


@pytest.mark.proves("start.kept-document")
async def test_a_kept_document_that_is_still_good_is_not_read_again() -> None:
    store = Store(json.dumps(document("a")).encode())
    transport = Documents(document("a"))
    transport.open.clear()
    tools = OpenAPIToolset("http://imbi-api:8000", timeout=5.0, transport=transport, store=store)
    await tools.ensure_loaded()
    first = tools.definitions(ADMIN.principal)
    transport.open.set()
    assert await tools.load() == 1
    await tools.keep()
    assert tools.definitions(ADMIN.principal) is first
    assert store.written == 0
    await tools.aclose()


@pytest.mark.proves("start.kept-document")
async def test_a_kept_document_serves_while_the_api_is_down() -> None:
    store = Store(json.dumps(document("a")).encode())
    down = Documents(httpx2.ConnectError("down"))
    tools = OpenAPIToolset("http://imbi-api:8000", timeout=5.0, transport=down, store=store)
    with pytest.raises(ToolError):
        await tools.load()
    assert names(tools.definitions(ADMIN.principal)) == ["a"]
    await tools.aclose()


@pytest.mark.proves("start.kept-document")
async def test_a_kept_document_that_is_broken_is_replaced() -> None:
    store = Store(b"{broken")
    broken_then_good = Documents(httpx2.ConnectError("down"), document("a"))
    tools = OpenAPIToolset("http://imbi-api:8000", timeout=5.0, transport=broken_then_good, store=store)
    with pytest.raises(ToolError):
        await tools.load()
    assert await tools.load() == 1
    await tools.keep()
    assert store.content == json.dumps(document("a")).encode()
    await tools.aclose()


async def test_the_document_of_a_real_application_becomes_tools() -> None:
    tools = ImbiApi().toolset()
    port: Toolset = tools
    assert (names(port.definitions(ADMIN.principal)), port.in_browser) == ([], False)
    assert await tools.load() == len(EVERYBODYS | READERS | WRITERS | ADMINS)
    assert set(names(tools.definitions(ADMIN.principal))) == EVERYBODYS | READERS | WRITERS | ADMINS
    definitions = [json.loads(definition.encoded) for definition in tools.definitions(ADMIN.principal)]
    assert list(tool_problems({"tools": definitions})) == []
    await tools.aclose()


async def test_a_caller_is_offered_what_it_may_use() -> None:
    tools = ImbiApi().toolset()
    await tools.load()
    writer = Principal("w", "W", permissions=frozenset({"project:read", "project:write", "admin", "other"}))
    assert set(names(tools.definitions(GUEST.principal))) == EVERYBODYS
    assert set(names(tools.definitions(READER.principal))) == EVERYBODYS | READERS
    assert set(names(tools.definitions(writer))) == EVERYBODYS | READERS | WRITERS
    await tools.aclose()


async def test_equal_permissions_give_the_identical_sorted_list() -> None:
    tools = ImbiApi().toolset()
    await tools.load()
    first = tools.definitions(READER.principal)
    for number in range(100):
        tools.definitions(Principal("x", "X", permissions=frozenset({f"unknown:{number}"})))
    other = Principal("o", "O", permissions=frozenset({"project:read", "something:else"}))
    assert tools.definitions(other) is first
    assert names(first) == sorted(names(first))
    await tools.aclose()


async def test_many_selections_are_not_all_kept() -> None:
    paths = {f"/api/t{n}": {"get": {"operationId": f"t{n}", "x-imbi-permission": f"p{n}"}} for n in range(100)}
    tools, _ = toolset(document(**paths))
    await tools.load()
    principals = [Principal("x", "X", permissions=frozenset({f"p{number}"})) for number in range(100)]
    for number, principal in enumerate(principals):
        assert names(tools.definitions(principal)) == [f"t{number}"]
    assert tools.definitions(principals[-1]) is tools.definitions(principals[-1])
    await tools.aclose()


async def test_a_definition_says_what_is_needed_and_no_more() -> None:
    tools = ImbiApi().toolset()
    await tools.load()
    found = next(tool for tool in tools.definitions(ADMIN.principal) if tool.name == "list_projects")
    assert found.description == "List projects of an organization."
    assert found.input_schema == {
        "type": "object",
        "properties": {
            "org_slug": {"description": "Organization slug.", "type": "string"},
            "filter": {"type": "array", "items": {"type": "string"}, "description": "Repeatable."},
            "slim": {"description": TERMS["slim"], "type": "boolean", "default": False},
            "limit": {"description": TERMS["limit"], "type": "integer", "minimum": 1, "default": 20},
            "page_size_": {"type": "integer"},
            "x-trace": {"type": "string"},
        },
        "required": ["org_slug"],
    }
    await tools.aclose()


async def test_loads_at_the_same_time_are_one() -> None:
    tools, api = toolset(document("a", "b"))
    assert await asyncio.gather(*(tools.load() for _ in range(20))) == [2] * 20
    assert api.asked == 1
    await tools.aclose()


async def test_a_caller_that_goes_away_does_not_end_the_others_load() -> None:
    tools, api = toolset(document("a"))
    api.open.clear()
    one, other = asyncio.create_task(tools.load()), asyncio.create_task(tools.load())
    await asyncio.sleep(0)
    one.cancel()
    api.open.set()
    assert await other == 1
    assert one.cancelled()
    await tools.aclose()


async def test_a_new_document_replaces_the_tools_and_the_same_keeps_them() -> None:
    tools, _ = toolset(document("a"), document("a"), document("a", "b"))
    await tools.load()
    before = tools.definitions(ADMIN.principal)
    await tools.load()
    assert tools.definitions(ADMIN.principal) is before
    assert await tools.load() == 2
    assert names(tools.definitions(ADMIN.principal)) == ["a", "b"]
    await tools.aclose()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"<html>", "cannot be used: Expecting value"),
        (b"[" * 100_000, "cannot be used"),
        ([], "it is no OpenAPI 3 document"),
        ({"openapi": "3.1.0", "paths": []}, "it is no OpenAPI 3 document"),
        ({"swagger": "2.0", "paths": {}}, "it is no OpenAPI 3 document"),
        (b" " * 32_000_001, "larger than 32 MB"),
        (httpx2.Response(503, text="starting"), "answered HTTP 503 when asked for its OpenAPI document"),
        (httpx2.Response(302, headers={"Location": "http://evil.example.com/"}), "redirected to another host"),
        (httpx2.ConnectError("refused"), "cannot be reached"),
        (httpx2.ConnectTimeout("late"), "did not answer within 5 seconds"),
        (OSError("odd"), "could not be made"),
    ],
)
async def test_what_fails_says_why_and_keeps_what_was_there(answer: Any, reason: str) -> None:
    tools, _ = toolset(document("a"), answer)
    await tools.load()
    with pytest.raises(ToolError, match=reason):
        await tools.load()
    assert names(tools.definitions(ADMIN.principal)) == ["a"]
    await tools.aclose()


async def test_ensuring_reads_once_and_then_no_more() -> None:
    tools, api = toolset(document("a"))
    for _ in range(3):
        await tools.ensure_loaded()
    assert (names(tools.definitions(ADMIN.principal)), api.asked) == (["a"], 1)
    await tools.aclose()


async def test_a_dead_api_is_not_asked_at_every_turn() -> None:
    tools, api = toolset(httpx2.ConnectError("refused"))
    for _ in range(3):
        await tools.ensure_loaded()
    assert (names(tools.definitions(ADMIN.principal)), api.asked) == ([], 1)
    await tools.aclose()


async def test_an_api_that_is_up_again_is_found_by_asking() -> None:
    tools, _ = toolset(httpx2.ConnectError("refused"), document("a"))
    await tools.ensure_loaded()
    assert await tools.load() == 1
    await tools.aclose()


async def test_an_old_document_is_read_again_while_the_tools_stay_usable() -> None:
    transport = Documents(document("a"), document("b"))
    tools = OpenAPIToolset("http://imbi-api:8000", transport=transport, max_age=0.0)
    await tools.load()
    transport.open.clear()
    await tools.ensure_loaded()
    assert names(tools.definitions(ADMIN.principal)) == ["a"]
    transport.open.set()
    assert await tools.load() == 1
    assert names(tools.definitions(ADMIN.principal)) == ["b"]
    await tools.aclose()


async def test_closing_ends_a_load() -> None:
    tools, api = toolset(document("a"))
    api.open.clear()
    load = asyncio.create_task(tools.load())
    while not api.asked:  # noqa: ASYNC110  # bounded by the test's timeout
        await asyncio.sleep(0)
    await tools.aclose()
    with pytest.raises(asyncio.CancelledError):
        await load


@pytest.mark.parametrize("url", ["", "imbi-api:8000", "ftp://imbi-api", "/api"])
async def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no HTTP URL"):
        OpenAPIToolset(url)


@pytest.mark.parametrize("base", ["http://imbi-api:8000/inner/", "http://user:secret@imbi-api:8000/inner?x=1#y"])
async def test_the_address_may_have_a_path(base: str) -> None:
    asked: list[tuple[str, str | None]] = []

    class Noting(Documents):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            asked.append((str(request.url), request.headers.get("Authorization")))
            return await super().handle_async_request(request)

    tools = OpenAPIToolset(base, transport=Noting(document("a"), {}))
    await tools.load()
    await tools.call("a", {}, READER)
    assert asked == [
        ("http://imbi-api:8000/inner/openapi.json", None),
        ("http://imbi-api:8000/inner/api/a", "Bearer reader-token"),
    ]
    await tools.aclose()
