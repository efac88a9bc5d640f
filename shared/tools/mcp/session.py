"""The Model Context Protocol with one server: both eras, by the protocol's own library.

Servers of the 2026-07-28 era have no sessions. With older ones a session is data here, not a connection: what was
agreed on and the session's id are enough to go on with it in the next exchange, whatever happened in between.
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

from shared.tools.mcp.errors import LARGEST_ANSWER, ServerProblem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mcp.shared.dispatcher import CallOptions
    from mcp.types import RequestId

    from shared.domain.models import JsonObject
    from shared.tools.mcp.transport import Exchange

log = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_TOOLS = 1000
_MOST_PAGES = 100
_MOST_ROUNDS = 10
_ROUND_SECONDS = 0.25
_ID_BITS = 52
"""What every server's numbers hold exactly."""
_NOT_ABOUT_THE_ERA = frozenset({301, 302, 303, 307, 308, 401, 403, 429, 502, 503, 504})
"""Statuses of an answer to the newer era's question that the older one's handshake would get as well."""
_RESULT: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)
_BLOCK: TypeAdapter[ContentBlock] = TypeAdapter(ContentBlock)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What client and server have agreed on, and the session's id where the server has sessions."""

    result: InitializeResult | DiscoverResult
    session_id: str | None = field(default=None, repr=False)


class _Dispatcher(JSONRPCDispatcher):
    """Reads lists and results part by part, where the library would refuse the whole for one bad part."""

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
        # Several exchanges may go on with one session at the same time, and a server tells their requests apart by id.
        chosen: CallOptions = {**(opts or {}), "request_id": randbits(_ID_BITS)}
        if method == "tools/call":
            chosen.setdefault("headers", {}).update(self.param_headers)
        result = await super().send_raw_request(method, params, chosen, _related_request_id=_related_request_id)
        if method == "tools/list":
            tools = result.get("tools")
            self.listed = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
            return {**_CACHING, **result, "tools": []}
        if method == "tools/call" and result.get("resultType", "complete") == "complete":
            content = result.get("content")
            blocks = content if isinstance(content, list) else []
            return {**result, "content": [_usable(block) for block in blocks]}
        return result


_CACHING = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
"""What a list of the newer era has to say, and what we do not go by."""


def _usable(block: Any) -> Any:  # noqa: ANN401  # whatever a server takes for a content block
    try:
        _BLOCK.validate_python(block, by_name=False)
    except ValidationError:
        return {"type": "text", "text": "[content of a kind that is not shown]"}
    return block


class McpSession:
    """A session within one exchange."""

    def __init__(self, session: ClientSession, dispatcher: _Dispatcher) -> None:
        self._session = session
        self._dispatcher = dispatcher

    @property
    def _is_modern(self) -> bool:
        return self._session.protocol_version in MODERN_PROTOCOL_VERSIONS

    async def list_tools(self) -> list[JsonObject]:
        """List the tools of all pages as the server has them."""
        tools: list[JsonObject] = []
        cursors: set[str | None] = {None}
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            tools += self._dispatcher.listed
            cursor = page.next_cursor or None
            if cursor in cursors or len(tools) >= _MOST_TOOLS:
                break
            cursors.add(cursor)
        return [tool for tool in tools[:_MOST_TOOLS] if self._is_callable(tool)]

    async def call_tool(self, name: str, arguments: JsonObject, schema: JsonObject) -> CallToolResult:
        """Call a tool; `schema` is its input schema as the server has it."""
        if self._is_modern:
            self._dispatcher.param_headers = mcp_param_headers(x_mcp_header_map(schema), arguments)
        state: str | None = None
        for _ in range(_MOST_ROUNDS):
            params = CallToolRequestParams(name=name, arguments=arguments, request_state=state)
            result = await self._session.send_request(CallToolRequest(params=params), _RESULT)
            if isinstance(result, CallToolResult):
                return result
            if result.input_requests:
                break
            # The server wants to be asked again, not to be told anything.
            state = result.request_state
            await asyncio.sleep(_ROUND_SECONDS)
        raise ServerProblem("asks for input that the assistant cannot give, and did not finish")

    def _is_callable(self, tool: JsonObject) -> bool:
        """Leave out what the newer era's rules forbid to call: the server would refuse it."""
        problem = find_invalid_x_mcp_header(tool.get("inputSchema")) if self._is_modern else None
        if problem is not None:
            log.warning("no tool of %.80r: its x-mcp-header is invalid", tool.get("name"))
        return problem is None


async def exchanged(
    url: str,
    exchange: Exchange,
    agreement: Agreement | None,
    work: Callable[[McpSession], Awaitable[T]],
) -> tuple[Agreement, T]:
    """Do some work in a session, a new one where nothing has been agreed on yet; the exchange is closed at the end.

    Raises:
        ServerProblem: the server could not be used.
        MCPError: the server has refused what it was asked for.
    """
    failure: Exception
    try:
        async with (
            httpx2.AsyncClient(transport=exchange, timeout=None, trust_env=False) as client,
            streamable_http_client(
                url, http_client=client, terminate_on_close=False, max_sse_event_size=LARGEST_ANSWER
            ) as streams,
        ):
            dispatcher = _Dispatcher(*streams)
            async with ClientSession(dispatcher=dispatcher, client_info=_client_info()) as session:
                try:
                    result = await _agreed(session, exchange, agreement)
                    value = await work(McpSession(session, dispatcher))
                    return Agreement(result, exchange.session_id), value
                except Exception as error:  # noqa: BLE001  # raised below, outside the library's task groups
                    failure = error
    except Exception as error:  # noqa: BLE001  # an exception group of whatever the library's tasks met
        failure = error
    if exchange.problem is not None:
        raise exchange.problem from None
    if isinstance(failure, ServerProblem | MCPError):
        raise failure
    raise ServerProblem("gave an answer that is not the protocol's") from failure


async def _agreed(
    session: ClientSession, exchange: Exchange, agreement: Agreement | None
) -> InitializeResult | DiscoverResult:
    """Take over an agreement, or make one: by the newer era's question, else by the older one's handshake."""
    if agreement is not None:
        session.adopt(agreement.result)
        return agreement.result
    try:
        return await session.discover()
    except (MCPError, RuntimeError, ValidationError):
        if exchange.problem is not None or exchange.status in _NOT_ABOUT_THE_ERA:
            raise
    return await session.initialize()


def _client_info() -> Implementation:
    try:
        return Implementation(name="imbi-assistant", version=metadata.version("imbi-assistant"))
    except metadata.PackageNotFoundError:
        return Implementation(name="imbi-assistant", version="0")
