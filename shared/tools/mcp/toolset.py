"""The tools of all external MCP servers. No server delays or breaks another one or a turn."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain.errors import AssistantError, OutcomeUnknown, ToolError
from shared.domain.ports import ToolDefinition
from shared.tools.libraries import import_mcp
from shared.tools.mcp.changes import SeenTools
from shared.tools.mcp.credentials import credential_for
from shared.tools.mcp.errors import McpServerError
from shared.tools.mcp.facts import facts_of
from shared.tools.mcp.health import HealthRecorder
from shared.tools.mcp.limits import DEFAULT_LIMITS, limit_total
from shared.tools.mcp.naming import ToolNames, ToolOrigin
from shared.tools.mcp.reports import log_over_limit
from shared.tools.mcp.server import ServerTools
from shared.tools.sources import SourceReport
from shared.tools.toolset import BaseToolset
from shared.util.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from shared.domain.call_facts import CallFacts
    from shared.domain.models import Caller, JsonObject, MCPServer, Principal
    from shared.domain.ports import ToolOutput
    from shared.tools.mcp.changes import AcceptedTools
    from shared.tools.mcp.connection import McpConnection
    from shared.tools.mcp.credentials import SecretDecryptor
    from shared.tools.mcp.definitions import ExternalTool
    from shared.tools.mcp.egress import Network
    from shared.tools.mcp.health import RecordHealth
    from shared.tools.mcp.limits import ToolLimits
    from shared.tools.mcp.server import Connection

log = logging.getLogger(__name__)

SERVERS_SECONDS = 60.0
"""After so long the list of servers is read again from the database."""
_RETRY_SECONDS = 15.0
_MAX_LISTING_SECONDS = 30.0
_RECONNECT_TIMEOUT_SECONDS = 0.5
"""A turn waits only so long for a server that has failed before."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The offered tools, built once for the same lists of the same servers (`key`)."""

    key: tuple[object, ...] = ()
    definitions: tuple[ToolDefinition, ...] = ()
    tools: Mapping[str, tuple[ServerTools, ExternalTool]] = field(default_factory=dict)
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By server, the tools that exceed the total limits."""


class ExternalToolset(BaseToolset):
    """The tools of all external servers, the same for every caller. A caller's token is never sent to a server."""

    def __init__(  # noqa: PLR0913  # the parts are independent of one another, and each has a default
        self,
        servers: Callable[[], Awaitable[Sequence[MCPServer]]],
        connect: Callable[[MCPServer], Awaitable[Connection]],
        *,
        reserved: Callable[[], frozenset[str]] = frozenset,
        record_health: RecordHealth | None = None,
        accepted: AcceptedTools | None = None,
        limits: ToolLimits = DEFAULT_LIMITS,
        connect_timeout_seconds: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare without any input or output.

        `servers` reads the registered servers. `reserved` returns the names of other tools. `record_health` writes the
        health of a server to the graph. `accepted` stores the accepted definitions of tools. A turn waits at most
        `connect_timeout_seconds` for servers without tools.
        """
        self._list_servers = servers
        self._connect = connect
        self._accepted = accepted
        self._reserved = reserved
        self._limits = limits
        self._connect_timeout_seconds = connect_timeout_seconds
        self._clock = clock
        self._health = HealthRecorder(record_health, clock)
        self._servers: dict[str, ServerTools] = {}
        self._retiring: dict[ServerTools, asyncio.Task[None]] = {}
        self._names = ToolNames()
        self._snapshot = _Snapshot()
        self._listing = SingleFlight(self._list, longest=_MAX_LISTING_SECONDS, clock=clock)
        self._listing_due_at = float("-inf")
        self._is_listed: bool | None = None
        """Whether the last listing of the servers succeeded; None before the first one."""

    async def ensure_loaded(self) -> None:
        """Start to list the tools where that is due. Wait, within the timeout, for servers without tools only."""
        deadline = time.monotonic() + self._connect_timeout_seconds
        self._health.flush()
        now = self._clock()
        if not now < self._listing_due_at <= now + SERVERS_SECONDS:
            listing = self._listing.start()
            if self._is_listed is None:
                await asyncio.wait({listing}, timeout=self._connect_timeout_seconds)
        waits: dict[asyncio.Task[None], float] = {}
        for server in self._servers.values():
            if task := server.start_listing():
                waits[task] = server.wait_seconds(self._connect_timeout_seconds, _RECONNECT_TIMEOUT_SECONDS)
        awaited = {task for task, seconds in waits.items() if seconds > 0}
        if awaited:
            seconds = min(max(waits.values()), deadline - time.monotonic())
            await asyncio.wait(awaited, timeout=max(seconds, 0.0))

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:  # noqa: ARG002  # the port's signature
        """List the offered tools by name. The list is built once and takes microseconds afterwards."""
        return self._current_snapshot().definitions

    async def prepare(self, name: str, arguments: JsonObject, principal: Principal) -> None:  # noqa: ARG002  # the port's
        """Look for the acceptance of a changed tool through another process."""
        found = self._current_snapshot().tools.get(name)
        if found is not None:
            server, tool = found
            await server.look_for_acceptance(tool)

    def facts(self, name: str, arguments: JsonObject, principal: Principal) -> CallFacts:  # noqa: ARG002  # the port's
        """Describe a call of a tool.

        Raises:
            ToolError: there is no such tool.
        """
        server, tool = self._find(name)
        return facts_of(name, tool, server.server, is_changed=server.is_changed(tool))

    async def accept(self, name: str) -> None:
        """Take the present definition of a tool as known: a user has approved a call of it."""
        server, tool = self._find(name)
        await server.accept(tool)

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:
        """Call a tool with the server's own credential.

        Raises:
            ToolError: there is no such tool, or its server returned no result.
        """
        server, tool = self._find(name)
        try:
            return await server.call(tool, arguments, caller.principal.subject)
        except McpServerError as error:
            kind = OutcomeUnknown if error.is_unreachable else ToolError
            raise kind(f"The server {server.server.name} {error}.") from error

    def _find(self, name: str) -> tuple[ServerTools, ExternalTool]:
        found = self._current_snapshot().tools.get(name)
        if found is None:
            raise ToolError(f"There is no tool named {name[:64]!r}.")
        return found

    async def refresh(self, timeout_seconds: float) -> Sequence[SourceReport]:
        """Read the list of servers and every server's tools again. Listings go on after the timeout."""
        deadline = time.monotonic() + timeout_seconds
        await asyncio.wait({self._listing.start()}, timeout=timeout_seconds)
        servers = list(self._servers.values())
        tasks = {task for server in servers if (task := server.start_listing(even_if_fresh=True))}
        if tasks:
            await asyncio.wait(tasks, timeout=max(deadline - time.monotonic(), 0.0))
        left_out = self._current_snapshot().left_out
        reports = [server.report(left_out.get(server.server.slug, ())) for server in servers]
        if not self._is_listed:
            reports.append(SourceReport("The list of external servers", 0, "The database returned no list."))
        return reports

    async def aclose(self) -> None:
        """Close every connection."""
        await self._listing.aclose()
        for retiring in self._retiring.values():
            retiring.cancel()
        await asyncio.gather(*(server.aclose() for server in (*self._servers.values(), *self._retiring)))
        await self._health.aclose()

    async def _list(self) -> None:
        """Read the list of servers. A server whose registration changed starts anew."""
        try:
            found = await self._list_servers()
        except AssistantError as error:
            log.warning("the external servers cannot be listed: %s", type(error).__name__)
            self._is_listed = False
            self._listing_due_at = self._clock() + _RETRY_SECONDS
            return
        before = set(self._servers.values())
        self._servers = {server.slug: self._tools_of(server) for server in found}
        for server in before.difference(self._servers.values()):
            self._retire(server)
        self._names.keep_only(self._servers)
        self._is_listed = True
        self._listing_due_at = self._clock() + SERVERS_SECONDS
        for server in self._servers.values():
            server.start_listing()

    def _retire(self, server: ServerTools) -> None:
        """Close a server's connections in the background, as soon as its running calls are over."""
        task = asyncio.create_task(server.retire())
        self._retiring[server] = task
        task.add_done_callback(lambda _: self._retiring.pop(server, None))

    def _tools_of(self, server: MCPServer) -> ServerTools:
        known = self._servers.get(server.slug)
        if known is not None and known.server == server:
            return known
        is_same = known is not None and known.server.url == server.url
        seen = known.seen if known is not None and is_same else SeenTools(server, self._accepted)
        return ServerTools(server, self._connect, self._clock, self._health, limits=self._limits, seen=seen)

    def _current_snapshot(self) -> _Snapshot:
        reserved = self._reserved()
        servers = [server for server in self._servers.values() if server.tools]
        key = (reserved, *((server, server.version) for server in servers))
        if key != self._snapshot.key:
            self._snapshot = self._build_snapshot(key, servers, reserved)
        return self._snapshot

    def _build_snapshot(
        self, key: tuple[object, ...], servers: Sequence[ServerTools], reserved: frozenset[str]
    ) -> _Snapshot:
        limited = limit_total({server.server.slug: server.tools for server in servers}, self._limits)
        left_out = {slug: each.left_out for slug, each in limited.items() if each.left_out}
        for slug, names in left_out.items():
            if names != self._snapshot.left_out.get(slug):
                log_over_limit(slug, names, "for all servers")
        origins = {
            ToolOrigin(server.server.slug, server.server.tool_prefix, tool.name): (server, tool)
            for server in servers
            for tool in limited[server.server.slug].tools
        }
        names_by_origin = self._names.assign(origins, reserved)
        tools = {names_by_origin[origin]: found for origin, found in origins.items()}
        definitions = (
            ToolDefinition(name, tool.description, tool.input_schema)
            for name, (_, tool) in sorted(tools.items(), key=lambda item: item[0])
        )
        return _Snapshot(key, tuple(definitions), tools, left_out)


class Connector:
    """Builds the connections to servers. The protocol's library is imported when the first one is built."""

    def __init__(self, network: Network, decryptor: SecretDecryptor) -> None:
        self._network = network
        self._decryptor = decryptor

    async def __call__(self, server: MCPServer) -> McpConnection:
        """Build a connection. There is no input or output except the import, which takes a second."""
        connection = await asyncio.to_thread(_import_connection)
        return connection(server, credential_for(server, self._decryptor, self._network), self._network)


def _import_connection() -> type[McpConnection]:
    import_mcp()
    from shared.tools.mcp.connection import McpConnection  # noqa: PLC0415  # slow, and not needed without servers

    return McpConnection
