"""The HTTP client: tokens, cookies, redirects, failures."""

from __future__ import annotations

import asyncio
import sys
import threading
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse

from shared.domain.errors import ToolError
from shared.domain.models import Caller
from shared.tools.openapi.client import ApiClient
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.background import served
from tests.support.imbi_api import ADMIN, READER, ImbiApi, called, fingerprint
from tests.support.tls import localhost_certificate, server_context

ROOT = Path(__file__).parents[3]


async def test_each_call_carries_its_callers_token_and_no_other() -> None:
    api = ImbiApi()
    with served(api.app) as url:
        tools = OpenAPIToolset(url, timeout=20.0)
        await tools.load()
        callers = [Caller(ADMIN.principal, f"token-{number % 2}-{number}") for number in range(50)]
        answers = await asyncio.gather(
            *(called(tools, "whoami", caller, wait=(number * 7 % 10) / 500) for number, caller in enumerate(callers))
        )
        await tools.aclose()
    assert answers == [fingerprint(f"Bearer {caller.token}") for caller in callers]
    assert api.seen[0] == ("GET", "/openapi.json", None)


async def test_cookies_of_one_caller_do_not_reach_another(tools: OpenAPIToolset, api: ImbiApi) -> None:
    await called(tools, "whoami", ADMIN)
    await called(tools, "whoami", READER)
    assert api.cookies == [None, None, None]


async def test_a_caller_without_a_token_sends_none(tools: OpenAPIToolset, api: ImbiApi) -> None:
    await tools.call("whoami", {}, Caller(READER.principal, ""))
    assert api.seen[-1] == ("GET", "/api/whoami", None)


async def test_a_redirect_within_the_api_keeps_method_body_and_token(tools: OpenAPIToolset) -> None:
    answer = await called(tools, "post_moved", READER, depth=3)
    assert answer == {"query": "depth=3", "body": {"depth": 3}, "token": fingerprint("Bearer reader-token")}


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
    tools = api.toolset(timeout=2.0)
    await tools.load()
    with pytest.raises(ToolError, match=r"did not answer within 2 seconds"):
        await tools.call("get_late", {}, ADMIN)
    await tools.aclose()


async def test_an_api_that_is_gone_is_called() -> None:
    api = ImbiApi()
    with served(api.app) as url:
        tools = OpenAPIToolset(url, timeout=20.0)
        await tools.load()
    with pytest.raises(ToolError, match="cannot be reached"):
        await tools.call("whoami", {}, ADMIN)
    await tools.aclose()


async def test_a_connection_that_breaks_off_is_called() -> None:
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


async def test_a_huge_response_is_not_read_to_its_end(tools: OpenAPIToolset) -> None:
    with pytest.raises(ToolError, match="larger than 16 MB: ask for less"):
        await tools.call("get_large", {}, ADMIN)


async def test_a_cancelled_call_leaves_the_toolset_usable(tools: OpenAPIToolset, api: ImbiApi) -> None:
    await tools.call("whoami", {}, READER)
    call = asyncio.create_task(tools.call("get_late", {}, ADMIN))
    before = threading.active_count()
    while not any(path == "/api/late" for _, path, _ in api.seen):  # noqa: ASYNC110  # bounded by the test's timeout
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await called(tools, "whoami", READER) == fingerprint("Bearer reader-token")
    assert threading.active_count() <= before


FETCH = """
import asyncio, sys
from shared.tools.openapi.client import ApiClient
print(asyncio.run(ApiClient(sys.argv[1], timeout=20.0).fetch("/", max_bytes=100)).body.decode())
"""


async def test_an_authority_of_the_operators_is_trusted(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
        writer.close()

    certificate, key = localhost_certificate(tmp_path)
    context = server_context(certificate, key)
    async with await asyncio.start_server(answer, "localhost", 0, ssl=context) as server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(ToolError, match="cannot be reached"):
            await ApiClient(url, timeout=20.0).fetch("/", max_bytes=100)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", FETCH, url), env={"SSL_CERT_FILE": str(certificate)}, cwd=ROOT, stdout=PIPE
        )
        fetched, _ = await process.communicate()
        assert fetched == b"hello\n"
