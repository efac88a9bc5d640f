"""OAuth client credentials: one token for all callers, renewed in time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse, Response

from local.mcp_servers.authorization import TOKEN_PATH
from shared.domain.errors import ToolError
from shared.domain.ports import ToolOutput
from shared.tools.mcp.errors import McpServerError
from tests.support.guarded_mcp import KEY, Guarded, always, token_response
from tests.support.mcp_hosts import (
    ADA,
    toolset_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

pytestmark = [pytest.mark.anyio, pytest.mark.proves("external.oauth")]


@pytest.fixture
async def guarded() -> AsyncIterator[Guarded]:
    made = Guarded()
    async with made.host:
        yield made


async def test_one_token_serves_all_callers(guarded: Guarded) -> None:
    async with toolset_of(guarded.node(oauth_scope="costs:read"), key=KEY) as toolset:
        await toolset.ensure_loaded()
        for _ in range(3):
            assert await toolset.call("mcp_guarded_greet", {}, ADA) == ToolOutput("hello")
        assert guarded.token_requests == 1


async def test_concurrent_callers_share_one_token_request(guarded: Guarded) -> None:
    credentials = guarded.credentials()
    headers = await asyncio.gather(*(credentials.headers() for _ in range(20)))
    assert len({header["Authorization"] for header in headers}) == 1
    assert guarded.token_requests == 1


async def test_a_token_is_renewed_before_it_expires(guarded: Guarded) -> None:
    credentials = guarded.credentials()
    first = await credentials.headers()
    guarded.clock.now += guarded.authorization.lifetime - 61
    assert await credentials.headers() == first
    guarded.clock.now += 2
    second = await credentials.headers()
    assert second != first
    assert guarded.authorization.accepts(first["Authorization"])


async def test_a_valid_token_stays_in_use_if_renewing_it_fails(guarded: Guarded) -> None:
    credentials = guarded.credentials()
    first = await credentials.headers()
    guarded.host.before = always(Response("no", 503))
    guarded.clock.now += guarded.authorization.lifetime - 30
    assert await credentials.headers() == first
    guarded.clock.now += 31
    with pytest.raises(McpServerError, match="the token endpoint answered HTTP 503"):
        await credentials.headers()


async def test_a_rejected_token_is_renewed_once(guarded: Guarded) -> None:
    async with toolset_of(guarded.node(), key=KEY) as toolset:
        await toolset.ensure_loaded()
        guarded.authorization.revoke_all()
        assert await toolset.call("mcp_guarded_greet", {}, ADA) == ToolOutput("hello")
        assert guarded.token_requests == 2
        guarded.host.before = reject_mcp
        with pytest.raises(ToolError, match=r"does not accept the assistant's credentials \(HTTP 401\)"):
            await toolset.call("mcp_guarded_greet", {}, ADA)
        assert guarded.token_requests == 3


async def reject_mcp(request: Request) -> Response | None:
    return Response("no", 401) if request.url.path == "/mcp" else None


async def test_concurrent_rejections_of_a_token_renew_it_once(guarded: Guarded) -> None:
    credentials = guarded.credentials()
    first = await credentials.headers()
    renewed = await asyncio.gather(*(credentials.renew(first) for _ in range(10)))
    assert len({str(each) for each in renewed}) == 1
    assert renewed[0] != first
    assert guarded.token_requests == 2


async def test_the_secret_is_sent_in_the_form_if_the_header_is_refused(guarded: Guarded) -> None:
    async def form_only(request: Request) -> Response | None:
        is_basic = request.url.path == TOKEN_PATH and "authorization" in request.headers
        return JSONResponse({"error": "invalid_client"}, 401) if is_basic else None

    guarded.host.before = form_only
    credentials = guarded.credentials()
    first = await credentials.headers()
    assert guarded.token_requests == 2
    await credentials.renew(first)
    assert guarded.token_requests == 3, "what the server takes is remembered"


@pytest.mark.parametrize(
    ("lifetime", "renewed_after"),
    [(60, 46), ("60", 46), (None, 3541), ("soon", 3541), (-1, 3541), (7200, 7141)],
)
async def test_invalid_lifetimes_get_the_default(guarded: Guarded, lifetime: Any, renewed_after: int) -> None:
    guarded.host.before = always(token_response(expires_in=lifetime))
    credentials = guarded.credentials()
    assert await credentials.headers() == {"Authorization": "Bearer abc"}
    guarded.clock.now += renewed_after - 2
    await credentials.headers()
    assert guarded.token_requests == 1
    guarded.clock.now += 2
    await credentials.headers()
    assert guarded.token_requests == 2
