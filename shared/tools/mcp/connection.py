"""The connection to one external server: it lists and calls tools, each over a transport of its own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2
from mcp import MCPError
from mcp.types import CONNECTION_CLOSED, INVALID_PARAMS, PARSE_ERROR

from shared.domain.ports import ToolOutput
from shared.tools.mcp.connections import ServerConnections
from shared.tools.mcp.content import convert_result
from shared.tools.mcp.errors import InvalidArguments, McpServerError, from_http_status, timed_out
from shared.tools.mcp.session import McpSession, NegotiatedSession, ToolListing, run_in_session
from shared.tools.mcp.sessions import SessionStore
from shared.tools.mcp.transport import SESSION_HEADER, McpTransport
from shared.tools.results.redaction import without_internals

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.types import CallToolResult

    from shared.domain.models import JsonObject, MCPServer
    from shared.tools.mcp.credentials import Credential
    from shared.tools.mcp.definitions import ExternalTool
    from shared.tools.mcp.egress import Network

_END_TIMEOUT_SECONDS = 2.0
_MAX_REASON_CHARS = 2000
_UNCERTAIN = "If the call was to change something, check whether it did before trying again"
_SESSION_UNKNOWN_STATUSES = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})
"""The responses of servers to a session or a protocol version that they do not know (any more)."""
_LIBRARY_MESSAGES = frozenset({"Server returned an error response", "Not Found", "Session terminated"})
"""The library's own messages for an HTTP status without a message from the server."""


class _SessionUnknown(Exception):
    """The server does not know the session; it did not run the tool."""


class McpConnection:
    """The connection to one server."""

    def __init__(
        self, server: MCPServer, credential: Credential, network: Network, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Prepare without any input or output."""
        self._server = server
        self._credential = credential
        self._connections = ServerConnections(network, verify=server.verify_ssl)
        self._sessions = SessionStore(clock)
        self._ending: set[asyncio.Task[None]] = set()

    async def list_tools(self) -> ToolListing:
        """List the server's tools in a session that ends afterwards.

        Raises:
            McpServerError: the tools could not be listed.
        """
        transport = self._transport(is_repeatable=True)
        try:
            async with asyncio.timeout(self._server.timeout):
                session, listing = await run_in_session(self._server.url, transport, None, McpSession.list_tools)
        except TimeoutError:
            raise timed_out(self._server.timeout) from None
        except MCPError as error:
            raise _server_error(error, transport) from None
        if session.session_id is None:
            self._sessions.add("", session)
        self._end(session)
        return await asyncio.to_thread(_redact_listing, listing, transport)

    async def call(self, tool: ExternalTool, arguments: JsonObject, subject: str) -> ToolOutput:
        """Call a tool for a caller. If the server has forgotten the caller's session, open a new one and try again.

        Raises:
            McpServerError: the server returned no result.
        """
        try:
            async with asyncio.timeout(self._server.timeout):
                for expired in self._sessions.pop_expired():
                    self._end(expired)
                session = self._sessions.find(subject)
                if session is not None:
                    with contextlib.suppress(_SessionUnknown):
                        return await self._call(tool, arguments, subject, session)
                    self._sessions.remove(subject, session)
                return await self._call(tool, arguments, subject)
        except TimeoutError:
            raise McpServerError(
                f"{timed_out(self._server.timeout)}. {_UNCERTAIN}",
                public_message=str(timed_out(self._server.timeout)),
                is_unreachable=True,
            ) from None

    async def aclose(self) -> None:
        """End the sessions; wait at most two seconds for each."""
        for session in self._sessions.all():
            self._end(session)
        if self._ending:
            await asyncio.wait(self._ending)
        await self._connections.aclose()
        await self._credential.aclose()

    async def _call(
        self, tool: ExternalTool, arguments: JsonObject, subject: str, negotiated: NegotiatedSession | None = None
    ) -> ToolOutput:
        async def call_tool(session: McpSession) -> CallToolResult:
            return await session.call_tool(tool.name, arguments, tool.own_schema)

        session_id = negotiated.session_id if negotiated else None
        transport = self._transport(session_id, is_repeatable=tool.hints.read_only is True)
        try:
            session, result = await run_in_session(self._server.url, transport, negotiated, call_tool)
        except MCPError as error:
            is_unknown = transport.status in _SESSION_UNKNOWN_STATUSES and error.code != INVALID_PARAMS
            if negotiated is not None and is_unknown:
                raise _SessionUnknown from None
            raise _server_error(error, transport) from None
        if not self._sessions.add(subject, session):
            self._end(session)
        # Parsing and checking megabytes takes longer than the event loop may be blocked.
        return _redact(await asyncio.to_thread(convert_result, result), transport)

    def _transport(self, session_id: str | None = None, *, is_repeatable: bool = False) -> McpTransport:
        return McpTransport(self._connections, self._credential, session_id, is_repeatable=is_repeatable)

    def _end(self, session: NegotiatedSession) -> None:
        """Tell the server in the background that a session has ended."""
        if session.session_id is not None:
            task = asyncio.create_task(self._send_end(session))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _send_end(self, session: NegotiatedSession) -> None:
        version = getattr(session.result, "protocol_version", "")
        headers = {SESSION_HEADER: session.session_id or "", "mcp-protocol-version": version}
        with contextlib.suppress(TimeoutError, httpx2.HTTPError, httpx2.InvalidURL):
            async with (
                asyncio.timeout(_END_TIMEOUT_SECONDS),
                httpx2.AsyncClient(transport=self._transport(session.session_id), trust_env=False) as client,
            ):
                await client.delete(self._server.url, headers=headers)


def _server_error(error: MCPError, transport: McpTransport) -> McpServerError:
    """Convert an error of the protocol."""
    if error.message in _LIBRARY_MESSAGES or HTTPStatus.MULTIPLE_CHOICES <= transport.status < HTTPStatus.BAD_REQUEST:
        return from_http_status(transport.status)
    is_unreadable = error.code in {PARSE_ERROR, CONNECTION_CLOSED} or error.message.startswith("Unexpected content")
    if is_unreadable or transport.status == HTTPStatus.ACCEPTED:
        return McpServerError("sent a response that violates the protocol, or none")
    # The text is cut first, because the patterns that clean it cost more than its length.
    reason = without_internals(transport.redact(error.message)[:_MAX_REASON_CHARS]).strip()
    message = f"answered: {reason}" if reason else "refused the request without a reason"
    kind = InvalidArguments if error.code == INVALID_PARAMS else McpServerError
    return kind(message, public_message=f"refused a request (JSON-RPC error {error.code})")


def _redact_listing(listing: ToolListing, transport: McpTransport) -> ToolListing:
    """Replace the credential in the definitions of tools, which become part of every request to the model."""
    redacted = [transport.redact_json(tool) for tool in listing.tools]
    return ToolListing([tool for tool in redacted if isinstance(tool, dict)], listing.is_truncated)


def _redact(output: ToolOutput, transport: McpTransport) -> ToolOutput:
    if isinstance(output.content, str):
        return ToolOutput(transport.redact(output.content), output.is_error)
    blocks = [
        {**block, "text": transport.redact(str(block["text"]))} if block["type"] == "text" else block
        for block in output.content
    ]
    return ToolOutput(blocks, output.is_error)
