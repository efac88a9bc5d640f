"""OAuth client credentials for external servers, with a real token endpoint."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from cryptography.fernet import Fernet
from fastmcp import FastMCP
from starlette.responses import JSONResponse, RedirectResponse, Response

from local.mcp_servers.authorization import TOKEN_PATH, Authorization, Guard
from shared.domain.errors import ToolError
from shared.domain.ports import ToolOutput
from shared.tools.mcp.credentials import Vault
from shared.tools.mcp.egress import AddressPolicy, Network
from shared.tools.mcp.errors import ServerProblem
from shared.tools.mcp.oauth import ClientCredentials
from tests.support.mcp_hosts import ADA, Clock, Host, toolset_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from shared.domain.models import MCPServer
    from tests.support.mcp_hosts import Hook, Json

pytestmark = [pytest.mark.anyio, pytest.mark.proves("external.oauth")]

KEY = Fernet.generate_key().decode()
SECRET = "a secret: with/odd+characters & ümlauts"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Guarded:
    """A server behind its own authorization server."""

    clock: Clock = field(default_factory=Clock)
    authorization: Authorization = field(init=False)
    host: Host = field(init=False)

    def __post_init__(self) -> None:
        self.authorization = Authorization("a client", SECRET, clock=self.clock)
        self.host = Host(self._made)

    async def _made(self, stack: AsyncExitStack) -> ASGIApp:
        server = FastMCP[None]("guarded")

        @server.tool
        def greet() -> str:
            return "hello"

        app = server.http_app("/mcp")
        await stack.enter_async_context(app.router.lifespan_context(app))
        return Guard(app, self.authorization)

    def node(self, **changes: Any) -> MCPServer:
        fields: Json = {
            "auth_type": "oauth_client_credentials",
            "oauth_token_url": self.host.url.replace("/mcp", TOKEN_PATH),
            "oauth_client_id": "a client",
            "oauth_client_secret_encrypted": Fernet(KEY).encrypt(SECRET.encode()).decode(),
        }
        return self.host.node("guarded", **(fields | changes))

    @property
    def token_requests(self) -> int:
        return len([request for request in self.host.seen if request.url.path == TOKEN_PATH])

    def credentials(self, **changes: Any) -> ClientCredentials:
        network = Network(AddressPolicy(allows_private=True))
        return ClientCredentials(self.node(**changes), Vault(KEY).open, network, clock=self.clock)


@pytest.fixture
async def guarded() -> AsyncIterator[Guarded]:
    made = Guarded()
    async with made.host:
        yield made


async def test_a_token_is_asked_for_once_for_all_callers(guarded: Guarded) -> None:
    async with toolset_of(guarded.node(oauth_scope="costs:read"), key=KEY) as toolset:
        await toolset.ensure_loaded()
        for _ in range(3):
            assert await toolset.call("mcp_guarded_greet", {}, ADA) == ToolOutput("hello")
        assert guarded.token_requests == 1


async def test_those_who_ask_at_once_share_one_request(guarded: Guarded) -> None:
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


async def test_a_token_that_is_still_good_outlives_a_failure_to_renew_it(guarded: Guarded) -> None:
    credentials = guarded.credentials()
    first = await credentials.headers()
    guarded.host.before = always(Response("no", 503))
    guarded.clock.now += guarded.authorization.lifetime - 30
    assert await credentials.headers() == first
    guarded.clock.now += 31
    with pytest.raises(ServerProblem, match="the token endpoint answered HTTP 503"):
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


async def test_many_rejections_of_one_token_renew_it_once(guarded: Guarded) -> None:
    credentials = guarded.credentials()
    first = await credentials.headers()
    renewed = await asyncio.gather(*(credentials.renewed(first) for _ in range(10)))
    assert len({str(each) for each in renewed}) == 1
    assert renewed[0] != first
    assert guarded.token_requests == 2


async def test_a_server_that_takes_the_secret_in_the_form_only_gets_it_there(guarded: Guarded) -> None:
    async def form_only(request: Request) -> Response | None:
        is_basic = request.url.path == TOKEN_PATH and "authorization" in request.headers
        return JSONResponse({"error": "invalid_client"}, 401) if is_basic else None

    guarded.host.before = form_only
    credentials = guarded.credentials()
    first = await credentials.headers()
    assert guarded.token_requests == 2
    await credentials.renewed(first)
    assert guarded.token_requests == 3, "what the server takes is remembered"


def always(response: Response) -> Hook:
    async def answer(_request: Request) -> Response:
        return response

    return answer


def token(**changes: Any) -> Response:
    return JSONResponse({"access_token": "abc", "token_type": "bearer", "expires_in": 60} | changes)


@pytest.mark.parametrize(
    ("lifetime", "renewed_after"),
    [(60, 46), ("60", 46), (None, 3541), ("soon", 3541), (-1, 3541), (7200, 7141)],
)
async def test_lifetimes_are_read_as_far_as_they_can_be(guarded: Guarded, lifetime: Any, renewed_after: int) -> None:
    guarded.host.before = always(token(expires_in=lifetime))
    credentials = guarded.credentials()
    assert await credentials.headers() == {"Authorization": "Bearer abc"}
    guarded.clock.now += renewed_after - 2
    await credentials.headers()
    assert guarded.token_requests == 1
    guarded.clock.now += 2
    await credentials.headers()
    assert guarded.token_requests == 2


@pytest.mark.proves("external.failures")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (JSONResponse({"error": "invalid_client"}, 401), "the token endpoint answered HTTP 401 (invalid_client)"),
        (JSONResponse({"error": "Bearer x <b>"}, 400), "the token endpoint answered HTTP 400"),
        (Response("x" * 1_000_000, 500), "the token endpoint answered HTTP 500"),
        (JSONResponse(["abc"]), "the token endpoint gave none that can be used"),
        (token(access_token=7), "the token endpoint gave none that can be used"),
        (token(access_token="a b\nc"), "the token endpoint gave none that can be used"),
        (token(token_type="mac"), "the token endpoint gave none that can be used"),
        (RedirectResponse("http://localhost:1/", 307), "the token endpoint answered HTTP 307"),
    ],
)
async def test_what_fails_is_told_without_any_secret(
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
async def test_a_secret_that_cannot_be_decrypted_is_sent_nowhere(
    guarded: Guarded, key: str | None, problem: str
) -> None:
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
        with pytest.raises(ServerProblem, match="the token endpoint answered HTTP 308"):
            await guarded.credentials().headers()
        assert not other.seen


@asynccontextmanager
async def elsewhere() -> AsyncIterator[Host]:
    async def made(_stack: AsyncExitStack) -> ASGIApp:
        return token()

    async with Host(made) as host:
        yield host


@pytest.mark.proves("external.addresses")
async def test_a_token_endpoint_elsewhere_is_held_to_the_policy(guarded: Guarded) -> None:
    async with elsewhere() as other:
        policy = AddressPolicy(("127.0.0.1",))
        node = guarded.node(oauth_token_url=other.url.replace("127.0.0.1", "localhost"))
        async with toolset_of(node, key=KEY, policy=policy) as toolset:
            (report,) = await toolset.refresh(5.0)
        assert "the token endpoint is at an address that the assistant may not connect to" in str(report.problem)
        assert not other.seen


async def test_a_token_endpoint_that_hangs_is_not_waited_for_longer_than_the_server_allows(guarded: Guarded) -> None:
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
async def test_the_demo_token_endpoint_knows_its_client(guarded: Guarded, headers: Json, form: Json) -> None:
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
