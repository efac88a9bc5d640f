"""How one external server is used: an exchange for each list and each call, and sessions that outlive exchanges."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2
from mcp import MCPError
from mcp.types import CONNECTION_CLOSED, INVALID_PARAMS, PARSE_ERROR

from shared.domain.ports import ToolOutput
from shared.tools.mcp.content import output_of_mcp, size_of_mcp
from shared.tools.mcp.errors import ServerProblem, late, problem_of_status
from shared.tools.mcp.session import Agreement, McpSession, exchanged
from shared.tools.mcp.transport import SESSION_HEADER, Exchange
from shared.tools.results.redaction import without_internals
from shared.util.threads import run_sized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp.types import CallToolResult

    from shared.domain.models import JsonObject, MCPServer
    from shared.tools.mcp.credentials import Credential
    from shared.tools.mcp.definitions import ExternalTool
    from shared.tools.mcp.egress import Network

_MOST_SESSIONS = 256
_IDLE_SECONDS = 600.0
_END_SECONDS = 2.0
_LONGEST_REASON = 2000
_UNCERTAIN = "If this was to change something, look whether it did before trying again"
_FORGOTTEN = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})
"""What servers answer to a session, or to a version of the protocol, that they do not know (any more)."""
_MADE_UP = frozenset({"Server returned an error response", "Not Found", "Session terminated"})
"""What the library says of an HTTP status that no message of the server came with."""


class _SessionForgotten(Exception):
    """The server does not know what had been agreed on; nothing was run."""


class McpConnection:
    """One server; each caller has a session of its own, so that none meets what another has left in it."""

    def __init__(
        self, server: MCPServer, credential: Credential, network: Network, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Prepare without any input or output."""
        self._server = server
        self._credential = credential
        self._network = network
        self._sessions = _Sessions(clock)
        self._ending: set[asyncio.Task[None]] = set()

    async def list_tools(self) -> list[JsonObject]:
        """List the server's tools as it has them, in a session that ends with it.

        Raises:
            ServerProblem: it could not be asked.
        """
        exchange = self._exchange()
        try:
            async with asyncio.timeout(self._server.timeout):
                agreement, tools = await exchanged(self._server.url, exchange, None, McpSession.list_tools)
        except TimeoutError:
            raise late(self._server.timeout) from None
        except MCPError as error:
            raise _refusal(error, exchange) from None
        if agreement.session_id is None:
            self._sessions.keep("", agreement)
        self._end(agreement)
        return tools

    async def call(self, tool: ExternalTool, arguments: JsonObject, subject: str) -> ToolOutput:
        """Call a tool for somebody; a session that the server has forgotten is silently replaced by a new one.

        Raises:
            ServerProblem: there is no result.
        """
        try:
            async with asyncio.timeout(self._server.timeout):
                for outdated in self._sessions.outdated():
                    self._end(outdated)
                agreement = self._sessions.of(subject)
                if agreement is not None:
                    with contextlib.suppress(_SessionForgotten):
                        return await self._called(tool, arguments, subject, agreement)
                    self._sessions.drop(subject, agreement)
                return await self._called(tool, arguments, subject)
        except TimeoutError:
            raise ServerProblem(f"{late(self._server.timeout)}. {_UNCERTAIN}") from None

    async def aclose(self) -> None:
        """End the sessions, as far as that takes no more than a moment."""
        for agreement in self._sessions.all():
            self._end(agreement)
        if self._ending:
            await asyncio.wait(self._ending)

    async def _called(
        self, tool: ExternalTool, arguments: JsonObject, subject: str, agreement: Agreement | None = None
    ) -> ToolOutput:
        async def work(session: McpSession) -> CallToolResult:
            return await session.call_tool(tool.name, arguments, tool.own_schema)

        exchange = self._exchange(agreement.session_id if agreement else None)
        try:
            agreed, result = await exchanged(self._server.url, exchange, agreement, work)
        except MCPError as error:
            if agreement is not None and exchange.status in _FORGOTTEN and error.code != INVALID_PARAMS:
                raise _SessionForgotten from None
            raise _refusal(error, exchange) from None
        if not self._sessions.keep(subject if agreed.session_id else "", agreed):
            self._end(agreed)
        return _redacted(await run_sized(size_of_mcp(result), output_of_mcp, result), exchange)

    def _exchange(self, session_id: str | None = None) -> Exchange:
        return Exchange(self._network.transport(verify=self._server.verify_ssl), self._credential, session_id)

    def _end(self, agreement: Agreement) -> None:
        """Tell the server that a session is over; nobody waits for that."""
        if agreement.session_id is not None:
            task = asyncio.create_task(self._ended(agreement))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _ended(self, agreement: Agreement) -> None:
        version = getattr(agreement.result, "protocol_version", "")
        headers = {SESSION_HEADER: agreement.session_id or "", "mcp-protocol-version": version}
        with contextlib.suppress(TimeoutError, httpx2.HTTPError, httpx2.InvalidURL):
            async with (
                asyncio.timeout(_END_SECONDS),
                httpx2.AsyncClient(transport=self._exchange(agreement.session_id), trust_env=False) as client,
            ):
                await client.delete(self._server.url, headers=headers)


class _Sessions:
    """What has been agreed on: with everybody at once where the server has no sessions, else with each caller."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[Agreement, float]] = OrderedDict()

    def of(self, subject: str) -> Agreement | None:
        agreement, _ = self._kept.get(subject) or self._kept.get("") or (None, 0.0)
        return agreement

    def keep(self, subject: str, agreement: Agreement) -> bool:
        """Keep an agreement, unless there is another one with the same caller by now."""
        if subject in self._kept and self._kept[subject][0] != agreement:
            return False
        self._kept[subject] = agreement, self._clock()
        self._kept.move_to_end(subject)
        return True

    def drop(self, subject: str, agreement: Agreement) -> None:
        for key in (subject, ""):
            if key in self._kept and self._kept[key][0] == agreement:
                del self._kept[key]

    def outdated(self) -> Iterator[Agreement]:
        """Take out the sessions that have not been used for a while, and the oldest where there are too many."""
        now = self._clock()
        while self._kept:
            subject, (agreement, used_at) = next(iter(self._kept.items()))
            if len(self._kept) <= _MOST_SESSIONS and 0 <= now - used_at < _IDLE_SECONDS:
                return
            del self._kept[subject]
            yield agreement

    def all(self) -> Iterator[Agreement]:
        return iter([agreement for agreement, _ in self._kept.values()])


def _refusal(error: MCPError, exchange: Exchange) -> ServerProblem:
    """Say why a server did not do what it was asked for."""
    if error.message in _MADE_UP or HTTPStatus.MULTIPLE_CHOICES <= exchange.status < HTTPStatus.BAD_REQUEST:
        return problem_of_status(exchange.status)
    is_unreadable = error.code in {PARSE_ERROR, CONNECTION_CLOSED} or error.message.startswith("Unexpected content")
    if is_unreadable or exchange.status == HTTPStatus.ACCEPTED:
        return ServerProblem("gave an answer that is not the protocol's, or none")
    reason = exchange.redacted(without_internals(error.message)).strip()[:_LONGEST_REASON]
    return ServerProblem(f"answered: {reason}" if reason else "refused the call without a reason")


def _redacted(output: ToolOutput, exchange: Exchange) -> ToolOutput:
    if isinstance(output.content, str):
        return ToolOutput(exchange.redacted(output.content), output.is_error)
    blocks = [
        {**block, "text": exchange.redacted(str(block["text"]))} if block["type"] == "text" else block
        for block in output.content
    ]
    return ToolOutput(blocks, output.is_error)
