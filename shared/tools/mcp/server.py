"""One external server's tools: read when they are needed, kept for some minutes, tried again after a failure.

Ages are told by a clock that goes on while the process is frozen, and looked at when the tools are used: no task has to
run between turns.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from shared.tools.mcp.definitions import read_tools
from shared.tools.mcp.errors import ServerProblem, late
from shared.tools.sources import SourceReport
from shared.util.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.domain.models import JsonObject, MCPServer
    from shared.domain.ports import ToolOutput
    from shared.tools.mcp.definitions import ExternalTool

log = logging.getLogger(__name__)

FRESH_SECONDS = 180.0
"""After that the list is read again while the old one is still offered."""
OFFERED_SECONDS = 300.0
"""After that the list is not offered any more, until it has been read again."""
_RETRY_SECONDS = 15.0
_LONGEST_RETRY_SECONDS = 300.0
_GRACE_SECONDS = 5.0


class Connection(Protocol):
    """A way to one server."""

    async def list_tools(self) -> list[JsonObject]:
        """List the server's tools as it has them; raises ServerProblem."""
        ...

    async def call(self, tool: ExternalTool, arguments: JsonObject, subject: str) -> ToolOutput:
        """Call a tool for somebody; raises ServerProblem."""
        ...

    async def aclose(self) -> None:
        """Close what is held open."""
        ...


class ServerTools:
    """The tools of one server, and how old they are."""

    def __init__(
        self, server: MCPServer, connect: Callable[[MCPServer], Awaitable[Connection]], clock: Callable[[], float]
    ) -> None:
        """Prepare without any input or output."""
        self.server = server
        self.readings = 0
        """How many different lists there have been."""
        self._connect = connect
        self._clock = clock
        self._connection: Connection | None = None
        self._tools: tuple[ExternalTool, ...] = ()
        self._read_at = float("-inf")
        self._failures = 0
        self._retry_at = float("-inf")
        self._problem: ServerProblem | None = None
        self._reading = SingleFlight(self._read, longest=server.timeout + _GRACE_SECONDS, clock=clock)

    @property
    def tools(self) -> tuple[ExternalTool, ...]:
        """What may be offered."""
        return self._tools if self._age < OFFERED_SECONDS else ()

    @property
    def report(self) -> SourceReport:
        """What there is, and why there is no more."""
        unanswered = late(round(self._clock() - self._reading.began_at)) if self._reading.under_way else None
        problem = unanswered or self._problem
        return SourceReport(self.server.name, len(self.tools), f"The server {problem}." if problem else None)

    def start(self, *, even_if_fresh: bool = False) -> asyncio.Task[None] | None:
        """Read the list where that is due; gives the reading that is under way."""
        is_due = self._age >= FRESH_SECONDS or self._problem is not None
        if even_if_fresh or (is_due and self._clock() >= self._retry_at):
            return self._reading.start()
        return self._reading.under_way

    def patience(self, first: float, again: float) -> float:
        """Say how many seconds a turn should wait for the reading: less after a failure, none where there are tools."""
        if self._age < OFFERED_SECONDS:
            return 0.0
        return (again if self._failures else first) - (self._clock() - self._reading.began_at)

    async def call(self, tool: ExternalTool, arguments: JsonObject, subject: str) -> ToolOutput:
        """Call a tool of this server.

        Raises:
            ServerProblem: there is no result.
        """
        connection = await self._connected()
        return await connection.call(tool, tool.arguments(arguments), subject)

    async def aclose(self) -> None:
        """Stop reading, and close the connection."""
        await self._reading.aclose()
        if self._connection is not None:
            await self._connection.aclose()

    @property
    def _age(self) -> float:
        """Seconds since the last reading; a clock that was set back makes it old."""
        age = self._clock() - self._read_at
        return age if age >= 0 else float("inf")

    async def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = await self._connect(self.server)
        return self._connection

    async def _read(self) -> None:
        try:
            listed = await (await self._connected()).list_tools()
            tools = await asyncio.to_thread(read_tools, self.server, listed)
        except ServerProblem as problem:
            self._note(problem)
        except Exception as error:  # noqa: BLE001  # whatever a server makes of our libraries, the others go on
            log.warning("reading the tools of %s failed: %s", self.server.slug, type(error).__name__)
            self._note(ServerProblem("gave an answer that cannot be read"))
        else:
            if tools != self._tools:
                self._tools = tools
                self.readings += 1
            self._read_at = self._clock()
            self._problem, self._failures, self._retry_at = None, 0, float("-inf")

    def _note(self, problem: ServerProblem) -> None:
        self._problem = problem
        self._retry_at = self._clock() + min(_RETRY_SECONDS * 2**self._failures, _LONGEST_RETRY_SECONDS)
        self._failures += 1
        log.warning("the tools of %s cannot be read: it %s", self.server.slug, problem)
