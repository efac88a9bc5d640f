"""The tools of external MCP servers: all servers side by side, and none of them in the way of another or of a turn."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from shared.domain.errors import AssistantError, ToolError
from shared.domain.ports import ToolDefinition
from shared.tools.mcp.credentials import credential_of
from shared.tools.mcp.errors import ServerProblem
from shared.tools.mcp.naming import Origin, ToolNames
from shared.tools.mcp.server import ServerTools
from shared.tools.sources import SourceReport
from shared.util.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from shared.domain.models import Caller, JsonObject, MCPServer, Principal
    from shared.domain.ports import ToolOutput
    from shared.tools.mcp.connection import McpConnection
    from shared.tools.mcp.credentials import Vault
    from shared.tools.mcp.definitions import ExternalTool
    from shared.tools.mcp.egress import Network
    from shared.tools.mcp.server import Connection

log = logging.getLogger(__name__)

SERVERS_SECONDS = 60.0
"""How old the list of the servers may be."""
_RETRY_SECONDS = 15.0
_LONGEST_LISTING_SECONDS = 30.0
_PATIENCE_AGAIN_SECONDS = 0.5
"""How long a turn waits for a server that has failed before."""


class _Offer(NamedTuple):
    """What is offered: made once for the same tools of the same servers."""

    made_of: tuple[object, ...]
    definitions: tuple[ToolDefinition, ...]
    tools: Mapping[str, tuple[ServerTools, ExternalTool]]


class ExternalToolset:
    """The tools of all external servers, for everybody; a caller's token never goes to any of them."""

    in_browser = False

    def __init__(
        self,
        servers: Callable[[], Awaitable[Sequence[MCPServer]]],
        connect: Callable[[MCPServer], Awaitable[Connection]],
        *,
        reserved: Callable[[], frozenset[str]] = frozenset,
        patience: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare without any input or output.

        `servers` reads which servers there are, `reserved` gives the names that other tools have; `patience` is how
        many seconds a turn may wait for servers that have not been reached yet.
        """
        self._list_servers = servers
        self._connect = connect
        self._reserved = reserved
        self._patience = patience
        self._clock = clock
        self._servers: dict[str, ServerTools] = {}
        self._names = ToolNames()
        self._offer = _Offer((), (), {})
        self._listing = SingleFlight(self._list, longest=_LONGEST_LISTING_SECONDS, clock=clock)
        self._listing_due_at = float("-inf")
        self._is_listed: bool | None = None
        """Whether the last listing succeeded; None before the first one."""

    async def ensure_loaded(self) -> None:
        """See to it that there are tools; only what has not been reached yet is waited for, and briefly."""
        deadline = time.monotonic() + self._patience
        now = self._clock()
        if not now < self._listing_due_at <= now + SERVERS_SECONDS:
            listing = self._listing.start()
            if self._is_listed is None:
                await asyncio.wait({listing}, timeout=self._patience)
        waits: dict[asyncio.Task[None], float] = {}
        for server in self._servers.values():
            if reading := server.start():
                waits[reading] = server.patience(self._patience, _PATIENCE_AGAIN_SECONDS)
        awaited = {reading for reading, seconds in waits.items() if seconds > 0}
        if awaited:
            seconds = min(max(waits.values()), deadline - time.monotonic())
            await asyncio.wait(awaited, timeout=max(seconds, 0.0))

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:  # noqa: ARG002  # the port's signature
        """List what the servers offer now; asking again costs microseconds."""
        return self._offered().definitions

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:
        """Call a tool with the server's own credential.

        Raises:
            ToolError: there is no such tool, or its server gave no result.
        """
        found = self._offered().tools.get(name)
        if found is None:
            raise ToolError(f"There is no tool named {name[:64]!r}.")
        server, tool = found
        try:
            return await server.call(tool, arguments, caller.principal.subject)
        except ServerProblem as problem:
            raise ToolError(f"The server {server.server.name} {problem}.") from problem

    async def refresh(self, timeout_seconds: float) -> Sequence[SourceReport]:
        """Read the list of servers, and then every server's tools, again."""
        deadline = time.monotonic() + timeout_seconds
        await asyncio.wait({self._listing.start()}, timeout=timeout_seconds)
        servers = list(self._servers.values())
        readings = {reading for server in servers if (reading := server.start(even_if_fresh=True))}
        if readings:
            await asyncio.wait(readings, timeout=max(deadline - time.monotonic(), 0.0))
        reports = [server.report for server in servers]
        if not self._is_listed:
            reports.append(SourceReport("The list of external servers", 0, "The database gave none."))
        return reports

    async def aclose(self) -> None:
        """Close every connection."""
        await self._listing.aclose()
        await asyncio.gather(*(server.aclose() for server in self._servers.values()))

    async def _list(self) -> None:
        """Read which servers there are; one that has been changed begins anew."""
        try:
            found = await self._list_servers()
        except AssistantError as error:
            log.warning("the external servers cannot be listed: %s", type(error).__name__)
            self._is_listed = False
            self._listing_due_at = self._clock() + _RETRY_SECONDS
            return
        known = self._servers
        self._servers = {
            server.slug: known[server.slug]
            if server.slug in known and known[server.slug].server == server
            else ServerTools(server, self._connect, self._clock)
            for server in found
        }
        self._names.forget(self._servers)
        self._is_listed = True
        self._listing_due_at = self._clock() + SERVERS_SECONDS
        for server in self._servers.values():
            server.start()

    def _offered(self) -> _Offer:
        reserved = self._reserved()
        servers = [server for server in self._servers.values() if server.tools]
        made_of = (reserved, *((server, server.readings) for server in servers))
        if made_of != self._offer.made_of:
            self._offer = _Offer(made_of, *self._made(servers, reserved))
        return self._offer

    def _made(
        self, servers: Sequence[ServerTools], reserved: frozenset[str]
    ) -> tuple[tuple[ToolDefinition, ...], dict[str, tuple[ServerTools, ExternalTool]]]:
        origins = {
            Origin(server.server.slug, server.server.tool_prefix, tool.name): (server, tool)
            for server in servers
            for tool in server.tools
        }
        names = self._names.assign(origins, reserved)
        tools = {names[origin]: origins[origin] for origin in origins}
        definitions = (ToolDefinition(name, tools[name][1].description, tools[name][1].input_schema) for name in tools)
        return tuple(sorted(definitions, key=lambda definition: definition.name)), tools


class Connector:
    """Makes the connections to servers; the protocol's library is imported when there is a server to connect to."""

    def __init__(self, network: Network, vault: Vault) -> None:
        self._network = network
        self._vault = vault

    async def __call__(self, server: MCPServer) -> McpConnection:
        """Prepare a connection, without any input or output but the import, which takes a second."""
        connection = await asyncio.to_thread(_imported)
        return connection(server, credential_of(server, self._vault, self._network), self._network)


def _imported() -> type[McpConnection]:
    from shared.tools.mcp.connection import McpConnection  # noqa: PLC0415  # slow, and useless without servers

    return McpConnection
