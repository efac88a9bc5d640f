"""The tools of one external server: listed when they are needed, kept for some minutes, retried after a failure.

Ages are measured with a wall clock, which goes on while the process is frozen, and checked when the tools are used. So
no task has to run between turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from shared.tools.mcp.changes import SeenTools
from shared.tools.mcp.definitions import ConvertedTools, convert_tools
from shared.tools.mcp.errors import InvalidArguments, McpServerError, timed_out
from shared.tools.mcp.health import ServerHealth
from shared.tools.mcp.limits import DEFAULT_LIMITS, LimitedTools, limit_server
from shared.tools.mcp.reports import log_over_limit, log_unusable, report_notes
from shared.tools.sources import SourceReport
from shared.util.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.domain.models import JsonObject, MCPServer
    from shared.domain.ports import ToolOutput
    from shared.tools.mcp.changes import ToolChange
    from shared.tools.mcp.definitions import ExternalTool
    from shared.tools.mcp.health import HealthRecorder
    from shared.tools.mcp.limits import ToolLimits
    from shared.tools.mcp.session import ToolListing

log = logging.getLogger(__name__)

FRESH_SECONDS = 180.0
"""An older list is read again, while it is still offered."""
OFFERED_SECONDS = 300.0
"""An older list is not offered until it has been read again."""
_RETRY_SECONDS = 15.0
_MAX_RETRY_SECONDS = 300.0
_GRACE_SECONDS = 5.0


class Connection(Protocol):
    """A connection to one server."""

    async def list_tools(self) -> ToolListing:
        """List the tools. Raises McpServerError."""
        ...

    async def call(self, tool: ExternalTool, arguments: JsonObject, subject: str) -> ToolOutput:
        """Call a tool for a caller. Raises McpServerError."""
        ...

    async def aclose(self) -> None:
        """Close all sessions."""
        ...


class ServerTools:
    """The tools of one server and their age."""

    def __init__(
        self,
        server: MCPServer,
        connect: Callable[[MCPServer], Awaitable[Connection]],
        clock: Callable[[], float],
        health: HealthRecorder,
        *,
        limits: ToolLimits = DEFAULT_LIMITS,
        seen: SeenTools | None = None,
    ) -> None:
        """Prepare without any input or output. `seen` are the server's tools as another object has seen them."""
        self.server = server
        self.version = 0
        """The number of different lists so far."""
        self.seen = seen or SeenTools()
        self._connect = connect
        self._clock = clock
        self._health = health
        self._limits = limits
        self._connection: Connection | None = None
        self._calls = 0
        self._no_calls = asyncio.Event()
        self._no_calls.set()
        self._converted = ConvertedTools()
        self._limited = LimitedTools()
        self._changes: tuple[ToolChange, ...] = ()
        self._is_truncated = False
        self._listed_at = float("-inf")
        self._failures = 0
        self._retry_at = float("-inf")
        self._error: McpServerError | None = None
        self._listing = SingleFlight(self._list, longest=server.timeout + _GRACE_SECONDS, clock=clock)

    @property
    def tools(self) -> tuple[ExternalTool, ...]:
        """The tools that may be offered."""
        return self._limited.tools if self._age < OFFERED_SECONDS else ()

    def report(self, over_total: Sequence[str] = ()) -> SourceReport:
        """Report the number of offered tools, the last failure, and the tools that are left out or have changed.

        `over_total` names the tools of this server that exceed the total limits of all servers.
        """
        waiting = timed_out(round(self._clock() - self._listing.began_at)) if self._listing.under_way else None
        error = waiting or self._error
        notes = report_notes(
            left_out=[*self._limited.left_out, *over_total],
            unusable=self._converted.unusable,
            changes=self._changes,
            is_truncated=self._is_truncated,
        )
        count = max(len(self.tools) - len(over_total), 0)
        return SourceReport(self.server.name, count, f"The server {error}." if error else None, notes)

    def start_listing(self, *, even_if_fresh: bool = False) -> asyncio.Task[None] | None:
        """List the tools in the background if that is due. Return the running task, or None."""
        is_due = self._age >= FRESH_SECONDS or self._error is not None
        if even_if_fresh or (is_due and self._clock() >= self._retry_at):
            return self._listing.start()
        return self._listing.under_way

    def wait_seconds(self, first: float, after_failure: float) -> float:
        """Return for how many seconds a turn waits for the running listing; 0 if there are tools to offer."""
        if self._age < OFFERED_SECONDS:
            return 0.0
        return (after_failure if self._failures else first) - (self._clock() - self._listing.began_at)

    async def call(self, tool: ExternalTool, arguments: JsonObject, subject: str) -> ToolOutput:
        """Call a tool of this server.

        Raises:
            McpServerError: there is no result.
        """
        self._calls += 1
        self._no_calls.clear()
        started_at = time.monotonic()
        try:
            connection = await self._connected()
            started_at = time.monotonic()
            return await connection.call(tool, tool.arguments(arguments), subject)
        except InvalidArguments:
            raise
        except McpServerError as error:
            self._record_health(started_at, error)
            raise
        finally:
            self._calls -= 1
            if self._calls == 0:
                self._no_calls.set()

    async def retire(self) -> None:
        """Wait until the running calls are over, and close the connection."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.server.timeout + _GRACE_SECONDS):
                await self._no_calls.wait()
        await self.aclose()

    def is_changed(self, tool: ExternalTool) -> bool:
        """Return whether a tool has changed since it was first seen, or since its last acceptance."""
        return any(change.name == tool.name for change in self._changes)

    async def accept(self, tool: ExternalTool) -> None:
        """Accept the present definition of a tool."""
        await self.seen.accept(tool.name)
        self._forget_change(tool)

    async def look_for_acceptance(self, tool: ExternalTool) -> None:
        """Find out whether a changed tool has been accepted through another process."""
        if self.is_changed(tool) and await self.seen.is_accepted(tool.name):
            self._forget_change(tool)

    def _forget_change(self, tool: ExternalTool) -> None:
        self._changes = tuple(change for change in self._changes if change.name != tool.name)

    async def aclose(self) -> None:
        """Stop listing and close the connection."""
        await self._listing.aclose()
        if self._connection is not None:
            await self._connection.aclose()

    @property
    def _age(self) -> float:
        """Seconds since the last successful listing; infinite if the clock was set back."""
        age = self._clock() - self._listed_at
        return age if age >= 0 else float("inf")

    async def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = await self._connect(self.server)
        return self._connection

    async def _list(self) -> None:
        started_at = time.monotonic()
        try:
            connection = await self._connected()
            started_at = time.monotonic()
            listing = await connection.list_tools()
            self._record_health(started_at, None, tools_discovered=len(listing.tools))
            await self._update(listing)
        except McpServerError as error:
            self._note_failure(error, started_at)
        except Exception as error:  # noqa: BLE001  # one server's failure must not affect the others
            log.warning("listing the tools of %s failed: %s", self.server.slug, type(error).__name__)
            self._note_failure(McpServerError("sent a response that cannot be read"), started_at)

    async def _update(self, listing: ToolListing) -> None:
        converted = await asyncio.to_thread(convert_tools, self.server, listing.tools)
        limited = await asyncio.to_thread(limit_server, converted.tools, self._limits)
        seen = await self.seen.update(converted.tools)
        if converted.unusable != self._converted.unusable:
            log_unusable(self.server.slug, converted.unusable)
        if limited.left_out != self._limited.left_out:
            log_over_limit(self.server.slug, limited.left_out, "for one server")
        if listing.is_truncated and not self._is_truncated:
            log.warning("%s has more tools than are read: only the first %d", self.server.slug, len(listing.tools))
        for change in seen.since_last:
            log.warning("the tool %.80r of %s has changed: %s", change.name, self.server.slug, ", ".join(change.parts))
        self._changes = seen.since_first
        if limited.tools != self._limited.tools:
            self.version += 1
        self._converted, self._limited, self._is_truncated = converted, limited, listing.is_truncated
        self._listed_at = self._clock()
        self._error, self._failures, self._retry_at = None, 0, float("-inf")

    def _note_failure(self, error: McpServerError, started_at: float) -> None:
        self._error = error
        self._retry_at = self._clock() + min(_RETRY_SECONDS * 2**self._failures, _MAX_RETRY_SECONDS)
        self._failures += 1
        log.warning("the tools of %s cannot be listed: it %s", self.server.slug, error)
        self._record_health(started_at, error)

    def _record_health(
        self, started_at: float, error: McpServerError | None, tools_discovered: int | None = None
    ) -> None:
        self._health.add(
            ServerHealth(
                slug=self.server.slug,
                status="healthy" if error is None else "unreachable" if error.is_unreachable else "degraded",
                error=None if error is None else f"The server {error.public_message}.",
                tested_at=datetime.fromtimestamp(self._clock(), UTC),
                latency_ms=round((time.monotonic() - started_at) * 1000),
                tools_discovered=tools_discovered,
            )
        )
