"""External MCP servers for tests, over real HTTP: FastMCP's own servers, and scripted ones that misbehave."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias

from fastmcp import Context, FastMCP
from mcp import types
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.models import Caller, MCPServer, Principal
from shared.http.server import bind, create_server
from shared.tools.mcp.credentials import SecretDecryptor
from shared.tools.mcp.egress import AddressPolicy, Network
from shared.tools.mcp.toolset import Connector, ExternalToolset
from tests.support.pictures import png

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from starlette.types import ASGIApp, Receive, Scope, Send

    from shared.domain.ports import ToolOutput
    from shared.http.server import GracefulServer

Json: TypeAlias = dict[str, Any]
Era: TypeAlias = Literal["both", "legacy", "modern"]
Hook: TypeAlias = "Callable[[Request], Awaitable[Response | None]]"

MODERN = "2026-07-28"
SECONDS = 30
USER_TOKEN = "the-users-own-token"
ADA = Caller(Principal("ada@example.com", "Ada"), USER_TOKEN)
BEN = Caller(Principal("ben@example.com", "Ben"), "another-users-own-token")


class Closable(Protocol):
    """A client that keeps connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


@dataclass
class Host:
    """Serves an application on a port that stays the same after a restart, and records the requests."""

    make: Callable[[AsyncExitStack], Awaitable[ASGIApp]]
    era: Era = "both"
    before: Hook | None = None
    """Answers a request instead of the application, unless it returns None."""
    seen: list[Request] = field(default_factory=list)
    clients: list[Closable] = field(default_factory=list)
    """What a test has made to connect to the host; it is closed when the context ends."""
    port: int = 0
    _server: GracefulServer | None = None
    _task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def node(self, slug: str = "calc", **changes: Any) -> MCPServer:
        """Return the server as the graph would have it."""
        fields: Json = {"slug": slug, "name": slug.title(), "url": self.url, "tool_prefix": slug, "timeout": SECONDS}
        return MCPServer(**(fields | changes))

    async def start(self) -> Self:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live(ready))
        await asyncio.wait_for(asyncio.shield(ready), SECONDS)
        return self

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.stop(at_once=True)
            await asyncio.wait_for(self._task, SECONDS)

    async def restart(self) -> None:
        """Restart without sessions or any other state."""
        await self.stop()
        await self.start()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self.clients:
            await client.aclose()
        await self.stop()

    async def _live(self, ready: asyncio.Future[None]) -> None:
        async with AsyncExitStack() as stack:
            app = await self.make(stack)
            listening = bind("127.0.0.1", self.port)
            self.port = listening.getsockname()[1]
            self._server = create_server(self._record(app), log_level="critical")
            ready.set_result(None)
            await self._server.serve([listening])

    def _record(self, app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            request = Request(scope, receive)
            self.seen.append(request)
            answer = self._refuse_version(request) or (await self.before(request) if self.before else None)
            await (answer or app)(scope, receive, send)

        return serve

    def _refuse_version(self, request: Request) -> Response | None:
        is_modern = request.headers.get("mcp-protocol-version") == MODERN
        is_supported = self.era == "both" or is_modern == (self.era == "modern")
        return None if is_supported else Response("unsupported", 400)


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
    """Host a server of the newer protocol that sends any response, valid or not."""

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
    """Build a tool as a server lists it."""
    return {"name": name, "inputSchema": {"type": "object"} if schema is None else schema, **fields}


def error(code: int, message: str, status: int = 200) -> Json:
    """Build a JSON-RPC error."""
    return {"error": {"code": code, "message": message}, "status": status}


@asynccontextmanager
async def toolset_of(
    *servers: MCPServer, policy: AddressPolicy | None = None, key: str | None = None, **settings: Any
) -> AsyncIterator[ExternalToolset]:
    """Yield a toolset of servers that has not listed anything yet."""

    async def listed() -> tuple[MCPServer, ...]:
        return servers

    # A busy machine is slow, and tests wait for conditions: a turn waits as long as it takes.
    settings.setdefault("connect_timeout_seconds", 30.0)
    network = Network(policy or AddressPolicy(allows_private=True))
    toolset = ExternalToolset(
        settings.pop("listed", listed), Connector(network, SecretDecryptor([key] if key else [])), **settings
    )
    yield toolset
    await toolset.aclose()


def names(toolset: ExternalToolset) -> list[str]:
    """Return the names of the offered tools."""
    return [definition.name for definition in toolset.definitions(ADA.principal)]


def picture_and_page() -> list[Any]:
    """Build content of three kinds: a picture, an embedded text and a link."""
    return [
        types.ImageContent(type="image", data=b64encode(png(3, 2)).decode(), mime_type="image/png"),
        types.EmbeddedResource(
            type="resource", resource=types.TextResourceContents(uri="note://1", text="a note", mime_type="a/b")
        ),
        types.ResourceLink(type="resource_link", name="more", uri="https://docs.example.com/more"),
    ]


def calculator() -> FastMCP[None]:
    server: FastMCP[None] = FastMCP("calculator")

    @server.tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool
    def measure(name: str) -> dict[str, Any]:
        """Measure something."""
        return {"name": name, "length": [1, 2]}

    @server.tool
    def show() -> list[Any]:
        """Show a picture and a page."""
        return picture_and_page()

    @server.tool
    def fail() -> str:
        raise ValueError("no such thing")

    @server.tool
    async def remember(word: str, context: Context) -> str:
        """Remember a word for the session."""
        before = await context.get_state("word")
        await context.set_state("word", word)
        return f"before: {before}"

    @server.tool
    async def count(to: int, context: Context) -> str:
        """Count, and tell how far."""
        for number in range(to):
            await context.report_progress(number, to)
        return f"counted to {to}"

    return server


async def called(toolset: ExternalToolset, name: str, caller: Caller = ADA, /, **arguments: Any) -> ToolOutput:
    """Call a tool with keyword arguments."""
    return await toolset.call(name, arguments, caller)


async def loaded(toolset: ExternalToolset) -> ExternalToolset:
    """Load the tools and return the toolset."""
    await toolset.ensure_loaded()
    return toolset


async def until_offered(toolset: ExternalToolset, expected: list[str]) -> None:
    """Wait until a toolset offers exactly these tools. Listings end in the background."""
    async with asyncio.timeout(SECONDS):
        while names(toolset) != expected:  # noqa: ASYNC110  # nothing announces the end of a listing
            await asyncio.sleep(0.01)


def hanging(over: asyncio.Event) -> Hook:
    """Build a hook that answers nothing until `over` is set."""

    async def hang(_request: Request) -> None:
        await over.wait()

    return hang
