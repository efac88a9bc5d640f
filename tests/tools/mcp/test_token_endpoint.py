"""Token endpoints that fail, redirect, hang or must not be connected to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest
from cryptography.fernet import Fernet
from starlette.responses import JSONResponse, RedirectResponse, Response

from local.mcp_servers.authorization import TOKEN_PATH
from shared.tools.mcp.egress import AddressPolicy
from shared.tools.mcp.errors import McpServerError
from tests.support.guarded_mcp import KEY, SECRET, Guarded, always, elsewhere, token_response
from tests.support.mcp_hosts import (
    Json,
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


@pytest.mark.proves("external.failures")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (JSONResponse({"error": "invalid_client"}, 401), "the token endpoint answered HTTP 401 (invalid_client)"),
        (JSONResponse({"error": "Bearer x <b>"}, 400), "the token endpoint answered HTTP 400"),
        (Response("x" * 1_000_000, 500), "the token endpoint answered HTTP 500"),
        (JSONResponse(["abc"]), "the response of the token endpoint has no usable token"),
        (token_response(access_token=7), "the response of the token endpoint has no usable token"),
        (token_response(access_token="a b\nc"), "the response of the token endpoint has no usable token"),
        (token_response(token_type="mac"), "the response of the token endpoint has no usable token"),
        (RedirectResponse("http://localhost:1/", 307), "the token endpoint answered HTTP 307"),
    ],
)
async def test_a_failure_is_described_without_secrets(
    guarded: Guarded, answer: Response, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    guarded.host.before = always(answer)
    async with toolset_of(guarded.node(), key=KEY) as toolset:
        await toolset.ensure_loaded()
        (report,) = await toolset.refresh(5.0)
    assert report.problem == f"The server gets no access token: {expected}."
    assert SECRET not in caplog.text
    assert "127.0.0.1" not in str(report)


@pytest.mark.proves("external.secrets")
@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (None, "The server has a secret, and IMBI_CONFIG_ENCRYPTION_KEY is not set."),
        (Fernet.generate_key().decode(), "The server has a secret that IMBI_CONFIG_ENCRYPTION_KEY does not decrypt."),
    ],
    ids=["no key", "another key"],
)
async def test_a_secret_that_cannot_be_decrypted_is_not_sent(guarded: Guarded, key: str | None, problem: str) -> None:
    async with toolset_of(guarded.node(), key=key) as toolset:
        (report,) = await toolset.refresh(5.0)
    assert report.problem == problem
    assert not guarded.host.seen


@pytest.mark.proves("external.redirects")
async def test_the_secret_follows_a_redirect_within_the_origin_only(guarded: Guarded) -> None:
    async def moved(request: Request) -> Response | None:
        return RedirectResponse(TOKEN_PATH, 308) if request.url.path == "/old" else None

    guarded.host.before = moved
    credentials = guarded.credentials(oauth_token_url=guarded.host.url.replace("/mcp", "/old"))
    assert guarded.authorization.accepts((await credentials.headers())["Authorization"])

    async with elsewhere() as other:
        guarded.host.before = always(RedirectResponse(other.url, 308))
        with pytest.raises(McpServerError, match="the token endpoint answered HTTP 308"):
            await guarded.credentials().headers()
        assert not other.seen


@pytest.mark.proves("external.addresses")
async def test_the_address_policy_applies_to_token_endpoints(guarded: Guarded) -> None:
    async with elsewhere() as other:
        policy = AddressPolicy(("127.0.0.1",))
        node = guarded.node(oauth_token_url=other.url.replace("127.0.0.1", "localhost"))
        async with toolset_of(node, key=KEY, policy=policy) as toolset:
            (report,) = await toolset.refresh(5.0)
        assert "the token endpoint has an address that the assistant must not connect to" in str(report.problem)
        assert not other.seen


async def test_the_servers_timeout_includes_the_token_endpoint(guarded: Guarded) -> None:
    over = asyncio.Event()

    async def hang(request: Request) -> None:
        if request.url.path == TOKEN_PATH:
            await over.wait()

    guarded.host.before = hang
    async with toolset_of(guarded.node(timeout=0.3), key=KEY) as toolset:
        await toolset.ensure_loaded()
        (report,) = await toolset.refresh(5.0)
        assert report.problem == "The server did not answer within 0.3 seconds."
        over.set()


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {}),
        ({"Authorization": "Basic !"}, {}),
        ({}, {"client_id": "a client", "client_secret": "wrong"}),
    ],
)
async def test_the_demo_token_endpoint_authenticates_its_client(guarded: Guarded, headers: Json, form: Json) -> None:
    async with httpx2.AsyncClient() as client:
        url = guarded.host.url.replace("/mcp", TOKEN_PATH)
        response = await client.post(url, headers=headers, data={"grant_type": "client_credentials", **form})
        assert (response.status_code, response.json()) == (401, {"error": "invalid_client"})
        good = {"client_id": "a client", "client_secret": SECRET}
        for wrong, code in (
            ({"grant_type": "password"}, "unsupported_grant_type"),
            ({"grant_type": "client_credentials", "scope": "all"}, "invalid_scope"),
        ):
            assert (await client.post(url, data=good | wrong)).json() == {"error": code}
