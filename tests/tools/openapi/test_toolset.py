"""When the document is read, and which tools stay if that fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest

from shared.domain.errors import ToolError
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN, READER
from tests.support.openapi_documents import Documents, document, names_of, toolset_of


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
async def test_a_start_with_a_stored_document_does_not_wait_for_the_api() -> None:
    transport = Documents(document("a", "b"))
    transport.open.clear()
    store = Store(json.dumps(document("a")).encode())
    tools = OpenAPIToolset("http://imbi-api:8000", timeout=5.0, transport=transport, store=store)
    await tools.ensure_loaded()
    assert names_of(tools.definitions(ADMIN.principal)) == ["a"]
    transport.open.set()
    assert await tools.load() == 2
    assert store.written == 0, "keeping is done when nobody waits"
    await tools.keep()
    await tools.keep()
    assert (store.content, store.written) == (json.dumps(document("a", "b")).encode(), 1)
    await tools.aclose()


@pytest.mark.proves("start.kept-document")
async def test_an_unchanged_document_is_not_stored_again() -> None:
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
async def test_a_stored_document_is_used_while_the_api_is_down() -> None:
    store = Store(json.dumps(document("a")).encode())
    down = Documents(httpx2.ConnectError("down"))
    tools = OpenAPIToolset("http://imbi-api:8000", timeout=5.0, transport=down, store=store)
    with pytest.raises(ToolError):
        await tools.load()
    assert names_of(tools.definitions(ADMIN.principal)) == ["a"]
    await tools.aclose()


@pytest.mark.proves("start.kept-document")
async def test_a_broken_stored_document_is_replaced() -> None:
    store = Store(b"{broken")
    broken_then_good = Documents(httpx2.ConnectError("down"), document("a"))
    tools = OpenAPIToolset("http://imbi-api:8000", timeout=5.0, transport=broken_then_good, store=store)
    with pytest.raises(ToolError):
        await tools.load()
    assert await tools.load() == 1
    await tools.keep()
    assert store.content == json.dumps(document("a")).encode()
    await tools.aclose()


async def test_loads_at_the_same_time_are_one() -> None:
    tools, api = toolset_of(document("a", "b"))
    assert await asyncio.gather(*(tools.load() for _ in range(20))) == [2] * 20
    assert api.asked == 1
    await tools.aclose()


async def test_a_caller_that_goes_away_does_not_end_the_others_load() -> None:
    tools, api = toolset_of(document("a"))
    api.open.clear()
    one, other = asyncio.create_task(tools.load()), asyncio.create_task(tools.load())
    await asyncio.sleep(0)
    one.cancel()
    api.open.set()
    assert await other == 1
    assert one.cancelled()
    await tools.aclose()


async def test_a_new_document_replaces_the_tools_and_the_same_keeps_them() -> None:
    tools, _ = toolset_of(document("a"), document("a"), document("a", "b"))
    await tools.load()
    before = tools.definitions(ADMIN.principal)
    await tools.load()
    assert tools.definitions(ADMIN.principal) is before
    assert await tools.load() == 2
    assert names_of(tools.definitions(ADMIN.principal)) == ["a", "b"]
    await tools.aclose()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"<html>", "cannot be used: Expecting value"),
        (b"[" * 100_000, "cannot be used"),
        ([], "it is no OpenAPI 3 document"),
        ({"openapi": "3.1.0", "paths": []}, "it is no OpenAPI 3 document"),
        ({"swagger": "2.0", "paths": {}}, "it is a Swagger 2.0 document, and only OpenAPI 3 can be read: let the API"),
        (b" " * 32_000_001, "larger than 32 MB"),
        (httpx2.Response(503, text="starting"), "answered HTTP 503 when asked for its OpenAPI document"),
        (httpx2.Response(302, headers={"Location": "http://evil.example.com/"}), "redirected to another host"),
        (httpx2.ConnectError("refused"), "cannot be reached"),
        (httpx2.ConnectTimeout("late"), "did not answer within 5 seconds"),
        (OSError("odd"), "could not be made"),
    ],
)
async def test_a_failed_reading_says_why_and_keeps_the_tools(answer: Any, reason: str) -> None:
    tools, _ = toolset_of(document("a"), answer)
    await tools.load()
    with pytest.raises(ToolError, match=reason):
        await tools.load()
    assert names_of(tools.definitions(ADMIN.principal)) == ["a"]
    await tools.aclose()


async def test_ensuring_reads_once_and_then_no_more() -> None:
    tools, api = toolset_of(document("a"))
    for _ in range(3):
        await tools.ensure_loaded()
    assert (names_of(tools.definitions(ADMIN.principal)), api.asked) == (["a"], 1)
    await tools.aclose()


async def test_a_dead_api_is_not_asked_at_every_turn() -> None:
    tools, api = toolset_of(httpx2.ConnectError("refused"))
    for _ in range(3):
        await tools.ensure_loaded()
    assert (names_of(tools.definitions(ADMIN.principal)), api.asked) == ([], 1)
    await tools.aclose()


async def test_an_api_that_is_up_again_is_found_by_asking() -> None:
    tools, _ = toolset_of(httpx2.ConnectError("refused"), document("a"))
    await tools.ensure_loaded()
    assert await tools.load() == 1
    await tools.aclose()


async def test_an_old_document_is_read_again_while_the_tools_stay_usable() -> None:
    transport = Documents(document("a"), document("b"))
    tools = OpenAPIToolset("http://imbi-api:8000", transport=transport, max_age=0.0)
    await tools.load()
    transport.open.clear()
    await tools.ensure_loaded()
    assert names_of(tools.definitions(ADMIN.principal)) == ["a"]
    transport.open.set()
    assert await tools.load() == 1
    assert names_of(tools.definitions(ADMIN.principal)) == ["b"]
    await tools.aclose()


async def test_closing_ends_a_load() -> None:
    tools, api = toolset_of(document("a"))
    api.open.clear()
    load = asyncio.create_task(tools.load())
    while not api.asked:  # noqa: ASYNC110  # bounded by the test's timeout
        await asyncio.sleep(0)
    await tools.aclose()
    with pytest.raises(asyncio.CancelledError):
        await load


@pytest.mark.parametrize("url", ["", "imbi-api:8000", "ftp://imbi-api", "/api"])
async def test_a_base_url_that_is_no_http_url_is_refused(url: str) -> None:
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


async def test_a_document_that_loses_all_permissions_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    guarded = document("a", **{"/api/b": {"get": {"operationId": "b", "x-imbi-permission": "b:read"}}})
    tools, _ = toolset_of(guarded, document("a", "b"), guarded)
    await tools.load()
    (report,) = await tools.refresh(5.0)
    assert "every user is offered every operation" in caplog.text
    assert str(report).startswith("Imbi API: 2 tools. The document has no x-imbi-permission any more")
    (report,) = await tools.refresh(5.0)
    assert str(report) == "Imbi API: 2 tools."
    await tools.aclose()


async def test_a_document_that_never_had_permissions_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    tools, _ = toolset_of(document("a"), document("b"))
    await tools.load()
    await tools.load()
    assert "x-imbi-permission" not in caplog.text
    await tools.aclose()


async def test_a_swagger_document_says_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    tools, _ = toolset_of({"swagger": "2.0", "paths": {}})
    (report,) = await tools.refresh(5.0)
    assert "convert the document, for example with swagger2openapi" in str(report)
    assert "Swagger 2.0" in caplog.text
    await tools.aclose()
