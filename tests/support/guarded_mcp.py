"""An MCP server behind its own authorization server, and token endpoints that misbehave."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet
from fastmcp import FastMCP
from starlette.responses import JSONResponse, Response

from local.mcp_servers.authorization import TOKEN_PATH, Authorization, Guard
from shared.tools.mcp.credentials import SecretDecryptor
from shared.tools.mcp.egress import AddressPolicy, Network
from shared.tools.mcp.oauth import ClientCredentials
from tests.support.clock import Clock
from tests.support.mcp_hosts import (
    Hook,
    Host,
    Json,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from shared.domain.models import MCPServer

KEY = Fernet.generate_key().decode()
SECRET = "a secret: with/odd+characters & ümlauts"


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
        made = ClientCredentials(self.node(**changes), SecretDecryptor([KEY]).decrypt, network, clock=self.clock)
        self.host.clients.append(made)
        return made


def always(response: Response) -> Hook:
    async def answer(_request: Request) -> Response:
        return response

    return answer


def token_response(**changes: Any) -> Response:
    return JSONResponse({"access_token": "abc", "token_type": "bearer", "expires_in": 60} | changes)


@asynccontextmanager
async def elsewhere() -> AsyncIterator[Host]:
    async def made(_stack: AsyncExitStack) -> ASGIApp:
        return token_response()

    async with Host(made) as host:
        yield host
