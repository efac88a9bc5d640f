"""The Model Context Protocol with one server, through the protocol's own library.

Servers of the 2026-07-28 protocol have no sessions. With older servers a session is data here, not a connection: the
negotiated parameters and the session id are enough to continue the session over a new connection.
https://modelcontextprotocol.io/specification/2026-07-28
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from importlib import metadata
from secrets import randbits
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2
from mcp import ClientSession, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.inbound import find_invalid_x_mcp_header, mcp_param_headers, x_mcp_header_map
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    DiscoverResult,
    Implementation,
    InitializeResult,
    InputRequiredResult,
    PaginatedRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter, ValidationError

from shared.tools.mcp.errors import MAX_RESPONSE_BYTES, McpServerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mcp.shared.dispatcher import CallOptions
    from mcp.types import RequestId

    from shared.domain.models import JsonObject
    from shared.tools.mcp.transport import McpTransport

log = logging.getLogger(__name__)

T = TypeVar("T")

_MAX_TOOLS = 1000
_MAX_PAGES = 100
_MAX_BLOCKS = 1000
"""Content blocks of one result that are validated. Each takes microseconds on the event loop."""
_MAX_RETRIES = 10
_RETRY_SECONDS = 0.25
_ID_BITS = 52
"""A JSON number of this size is exact in every language."""
_UNRELATED_TO_VERSION = frozenset({301, 302, 303, 307, 308, 401, 403, 429, 502, 503, 504})
"""Statuses that the older protocol's handshake would get as well, so that it is not tried."""
_RESULT: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)
_BLOCK: TypeAdapter[ContentBlock] = TypeAdapter(ContentBlock)


@dataclass(frozen=True, slots=True)
class ToolListing:
    """The tools that a server listed; `is_truncated` says that the server has more than were read."""

    tools: list[JsonObject]
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class NegotiatedSession:
    """The negotiated parameters, and the session id if the server has sessions."""

    result: InitializeResult | DiscoverResult
    session_id: str | None = field(default=None, repr=False)


class _Dispatcher(JSONRPCDispatcher):
    """Validates lists and results part by part. The library would refuse the whole because of one invalid part."""

    def __init__(self, *streams: Any) -> None:  # noqa: ANN401  # the library's two streams, whose types it keeps private
        super().__init__(*streams)
        self.listed: list[JsonObject] = []
        self.param_headers: dict[str, str] = {}

    async def send_raw_request(
        self,
        method: str,
        params: Mapping[str, Any] | None,
        opts: CallOptions | None = None,
        *,
        _related_request_id: RequestId | None = None,
    ) -> dict[str, Any]:
        # Several connections may use one session at the same time. The server tells their requests apart by id.
        chosen: CallOptions = {**(opts or {}), "request_id": randbits(_ID_BITS)}
        if method == "tools/call":
            chosen.setdefault("headers", {}).update(self.param_headers)
        result = await super().send_raw_request(method, params, chosen, _related_request_id=_related_request_id)
        if method == "tools/list":
            tools = result.get("tools")
            self.listed = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
            return {**_CACHE_FIELDS, **result, "tools": []}
        if method == "tools/call" and result.get("resultType", "complete") == "complete":
            content = result.get("content")
            blocks = content if isinstance(content, list) else []
            valid = [_valid_block(block) for block in blocks[:_MAX_BLOCKS]]
            if len(blocks) > _MAX_BLOCKS:
                note = f"[{len(blocks) - _MAX_BLOCKS:,} more content blocks are left out]"
                valid.append({"type": "text", "text": note})
            return {**result, "content": valid}
        return result


_CACHE_FIELDS = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
"""Fields that the newer protocol requires in a list and that are not used here."""


def _valid_block(block: Any) -> Any:  # noqa: ANN401  # a server may send any JSON here
    try:
        _BLOCK.validate_python(block, by_name=False)
    except ValidationError:
        return {"type": "text", "text": "[content of a kind that is not shown]"}
    return block


class McpSession:
    """An open session with a server."""

    def __init__(self, session: ClientSession, dispatcher: _Dispatcher) -> None:
        self._session = session
        self._dispatcher = dispatcher

    @property
    def _is_modern(self) -> bool:
        return self._session.protocol_version in MODERN_PROTOCOL_VERSIONS

    async def list_tools(self) -> ToolListing:
        """Read the pages of the tool list, at most 100 pages and 1,000 tools."""
        tools: list[JsonObject] = []
        cursors: set[str | None] = {None}
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            page = await self._session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            tools += self._dispatcher.listed
            cursor = page.next_cursor or None
            if cursor in cursors or len(tools) >= _MAX_TOOLS:
                break
            cursors.add(cursor)
        is_truncated = len(tools) > _MAX_TOOLS or (cursor is not None and len(tools) >= _MAX_TOOLS)
        is_truncated = is_truncated or len(cursors) > _MAX_PAGES
        return ToolListing([tool for tool in tools[:_MAX_TOOLS] if self._is_callable(tool)], is_truncated)

    async def call_tool(self, name: str, arguments: JsonObject, schema: JsonObject) -> CallToolResult:
        """Call a tool. `schema` is the input schema that the server listed.

        Raises:
            McpServerError: the server asks for user input, or does not finish.
            MCPError: the server returned an error.
        """
        if self._is_modern:
            self._dispatcher.param_headers = mcp_param_headers(x_mcp_header_map(schema), arguments)
        state: str | None = None
        for _ in range(_MAX_RETRIES):
            params = CallToolRequestParams(name=name, arguments=arguments, request_state=state)
            result = await self._session.send_request(CallToolRequest(params=params), _RESULT)
            if isinstance(result, CallToolResult):
                return result
            if result.input_requests:
                break
            # The server asks the client to send the request again, without any input.
            state = result.request_state
            await asyncio.sleep(_RETRY_SECONDS)
        raise McpServerError("asks for input that the assistant cannot give, and did not finish")

    def _is_callable(self, tool: JsonObject) -> bool:
        """Check the x-mcp-header rules of the newer protocol; the server would refuse a call that breaks them."""
        violation = find_invalid_x_mcp_header(tool.get("inputSchema")) if self._is_modern else None
        if violation is not None:
            log.warning("the tool %.80r is left out: its x-mcp-header is invalid", tool.get("name"))
        return violation is None


async def run_in_session(
    url: str,
    transport: McpTransport,
    negotiated: NegotiatedSession | None,
    work: Callable[[McpSession], Awaitable[T]],
) -> tuple[NegotiatedSession, T]:
    """Run `work` in a session: the negotiated one, or a new one. The transport is closed at the end.

    Raises:
        McpServerError: the server cannot be used.
        MCPError: the server returned an error.
    """
    failure: Exception
    try:
        async with (
            httpx2.AsyncClient(transport=transport, timeout=None, trust_env=False) as client,
            streamable_http_client(
                url, http_client=client, terminate_on_close=False, max_sse_event_size=MAX_RESPONSE_BYTES
            ) as streams,
        ):
            dispatcher = _Dispatcher(*streams)
            async with ClientSession(dispatcher=dispatcher, client_info=_client_info()) as session:
                try:
                    result = await _negotiate(session, transport, negotiated)
                    value = await work(McpSession(session, dispatcher))
                    return NegotiatedSession(result, transport.session_id), value
                except Exception as error:  # noqa: BLE001  # raised below, outside the library's task groups
                    failure = error
    except Exception as error:  # noqa: BLE001  # an exception group from the library's tasks
        failure = error
    if transport.error is not None:
        raise transport.error from None
    if isinstance(failure, McpServerError | MCPError):
        raise failure
    raise McpServerError("sent a response that violates the protocol") from failure


async def _negotiate(
    session: ClientSession, transport: McpTransport, negotiated: NegotiatedSession | None
) -> InitializeResult | DiscoverResult:
    """Adopt the negotiated session, or negotiate: first by the newer protocol, then by the older handshake."""
    if negotiated is not None:
        session.adopt(negotiated.result)
        return negotiated.result
    try:
        return await session.discover()
    except (MCPError, RuntimeError, ValidationError):
        if transport.error is not None or transport.status in _UNRELATED_TO_VERSION:
            raise
    return await session.initialize()


def _client_info() -> Implementation:
    try:
        return Implementation(name="imbi-assistant", version=metadata.version("imbi-assistant"))
    except metadata.PackageNotFoundError:
        return Implementation(name="imbi-assistant", version="0")
