"""External MCP servers for tests, over real HTTP: FastMCP's own in either era, and scripted ones that misbehave."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.models import Caller, MCPServer, Principal
from shared.http.server import bind, server_of
from shared.tools.mcp.credentials import Vault
from shared.tools.mcp.egress import AddressPolicy, Network
from shared.tools.mcp.toolset import Connector, ExternalToolset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from fastmcp import FastMCP
    from starlette.types import ASGIApp, Receive, Scope, Send

    from shared.http.server import QuietServer

Json: TypeAlias = dict[str, Any]
Era: TypeAlias = Literal["both", "legacy", "modern"]
Hook: TypeAlias = "Callable[[Request], Awaitable[Response | None]]"

MODERN = "2026-07-28"
SECONDS = 30
USER_TOKEN = "the-users-own-token"
ADA = Caller(Principal("ada@example.com", "Ada"), USER_TOKEN)
BEN = Caller(Principal("ben@example.com", "Ben"), "another-users-own-token")


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Host:
    """Serves an application on a port of its own, which it keeps when it is started again; notes what reaches it."""

    make: Callable[[AsyncExitStack], Awaitable[ASGIApp]]
    era: Era = "both"
    before: Hook | None = None
    """Answers a request in the application's place, if it gives an answer."""
    seen: list[Request] = field(default_factory=list)
    port: int = 0
    _server: QuietServer | None = None
    _living: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def node(self, slug: str = "calc", **changes: Any) -> MCPServer:
        """Return the server as the graph would have it."""
        fields: Json = {"slug": slug, "name": slug.title(), "url": self.url, "tool_prefix": slug, "timeout": SECONDS}
        return MCPServer(**(fields | changes))

    async def start(self) -> Self:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._living = asyncio.create_task(self._live(ready))
        await asyncio.wait_for(asyncio.shield(ready), SECONDS)
        return self

    async def stop(self) -> None:
        if self._server is not None and self._living is not None:
            self._server.should_exit = self._server.force_exit = True
            await asyncio.wait_for(self._living, SECONDS)

    async def restart(self) -> None:
        """Start anew: sessions and everything else are forgotten."""
        await self.stop()
        await self.start()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _live(self, ready: asyncio.Future[None]) -> None:
        async with AsyncExitStack() as stack:
            app = await self.make(stack)
            listening = bind("127.0.0.1", self.port)
            self.port = listening.getsockname()[1]
            self._server = server_of(self._noting(app), log_level="critical")
            ready.set_result(None)
            await self._server.serve([listening])

    def _noting(self, app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            request = Request(scope, receive)
            self.seen.append(request)
            answer = self._of_another_era(request) or (await self.before(request) if self.before else None)
            await (answer or app)(scope, receive, send)

        return serve

    def _of_another_era(self, request: Request) -> Response | None:
        is_modern = request.headers.get("mcp-protocol-version") == MODERN
        is_welcome = self.era == "both" or is_modern == (self.era == "modern")
        return None if is_welcome else Response("unsupported", 400)


def hosted(server: FastMCP[None], era: Era = "both", **settings: Any) -> Host:
    """Host a FastMCP server."""
    before = settings.pop("before", None)

    async def make(stack: AsyncExitStack) -> ASGIApp:
        app = server.http_app("/mcp", **settings)
        await stack.enter_async_context(app.router.lifespan_context(app))
        return app

    return Host(make, era, before)


Answer: TypeAlias = "Json | Response"


def scripted(
    tools: list[Any] | Callable[[Json], Answer] | None = None,
    call: Callable[[Json], Answer] | Callable[[Json], Awaitable[Answer]] | None = None,
    **settings: Any,
) -> Host:
    """Host a server of the newer era that says whatever a test wants, be it the protocol's or not."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        message = json.loads(await Request(scope, receive).body())
        params = message.get("params") or {}
        match message["method"]:
            case "server/discover":
                result: Any = {"supportedVersions": [MODERN], "capabilities": {"tools": {}}, **_CACHING}
            case "tools/list":
                result = tools(params) if callable(tools) else {"tools": tools or [], **_CACHING}
            case _:
                result = call(params) if call else {"content": []}
                if asyncio.iscoroutine(result):
                    result = await result
        if isinstance(result, dict):
            status = result.pop("status", 200)
            body = result if "error" in result else {"result": {"resultType": "complete", **result}}
            result = JSONResponse({"jsonrpc": "2.0", "id": message["id"], **body}, status)
        await result(scope, receive, send)

    async def make(_stack: AsyncExitStack) -> ASGIApp:
        return serve

    return Host(make, **settings)


_CACHING = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}


def tool(name: Any, schema: Any = None, **fields: Any) -> Json:
    """Write a tool as a server lists it."""
    return {"name": name, "inputSchema": {"type": "object"} if schema is None else schema, **fields}


def error(code: int, message: str, status: int = 200) -> Json:
    """Write a JSON-RPC error."""
    return {"error": {"code": code, "message": message}, "status": status}


@asynccontextmanager
async def toolset_of(
    *servers: MCPServer, policy: AddressPolicy | None = None, key: str | None = None, **settings: Any
) -> AsyncIterator[ExternalToolset]:
    """Return a toolset of servers, which has not read anything yet."""

    async def listed() -> tuple[MCPServer, ...]:
        return servers

    network = Network(policy or AddressPolicy(allows_private=True))
    toolset = ExternalToolset(settings.pop("listed", listed), Connector(network, Vault(key)), **settings)
    yield toolset
    await toolset.aclose()


def names(toolset: ExternalToolset) -> list[str]:
    """Name what a toolset offers."""
    return [definition.name for definition in toolset.definitions(ADA.principal)]
