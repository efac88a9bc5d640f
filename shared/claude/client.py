"""Claude, through the Anthropic SDK's client: its credentials, retries and connections, but our own reading.

https://platform.claude.com/docs/en/api/messages-streaming
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

import anthropic
import httpx2
import orjson

from shared.claude.capabilities import Capabilities, capabilities_of
from shared.claude.errors import failure
from shared.claude.stream import ReplyReader, frames
from shared.domain.events import ReplyFinished

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from shared.domain.events import ModelEvent
    from shared.domain.models import JsonObject
    from shared.domain.ports import ModelRequest, SystemPrompt, ToolOffer

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_RETRIES = 2
_CONTEXT_MANAGEMENT = "context-management-2025-06-27"
_SEARCH_OF_API = b'{"type":"tool_search_tool_bm25_20251119","name":"tool_search_tool_bm25"}'


class Claude:
    """A Model behind the Messages API."""

    def __init__(
        self, api_key: str, base_url: str | None = None, *, idle_seconds: float = 60.0, clear_above: int = 100_000
    ) -> None:
        self._base_url = base_url
        self._clear_above = clear_above
        self._idle_seconds = idle_seconds
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key,
            base_url=base_url,
            timeout=httpx2.Timeout(idle_seconds, connect=_CONNECT_SECONDS),
            max_retries=_RETRIES,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream a reply; what fails before the first byte is tried again twice, what fails later is not.

        The first byte is waited for as long as for any other, however often it is tried.

        Raises:
            ModelError: the reply could not be had, or not to its end.
        """
        try:
            async with asyncio.timeout(self._idle_seconds):
                response = await self._send(request)
            async with aclosing(response), aclosing(self._events(response)) as events:
                async for event in events:
                    yield event
        except Exception as error:
            log.warning("the model's reply failed: %s", type(error).__name__)
            raise failure(error) from error

    async def _send(self, request: ModelRequest) -> httpx2.Response:
        capabilities = capabilities_of(self._base_url, request.model)
        # The first header asks the SDK for the response before its body, as its own `with_streaming_response` does.
        headers = {"X-Stainless-Raw-Response": "stream", "content-type": "application/json"}
        if capabilities.context_management:
            headers["anthropic-beta"] = _CONTEXT_MANAGEMENT
        return await self._client.post(
            "/v1/messages",
            cast_to=httpx2.Response,
            content=_body(request, capabilities, self._clear_above),
            options={"headers": headers},
        )

    async def _events(self, response: httpx2.Response) -> AsyncGenerator[ModelEvent, None]:
        reader = ReplyReader()
        async for frame in frames(response.aiter_bytes(), self._idle_seconds):
            for event in reader.read(frame):
                yield event
                if isinstance(event, ReplyFinished):
                    return
        raise EOFError("the stream ended without message_stop")


def _body(request: ModelRequest, capabilities: Capabilities, clear_above: int) -> bytes:
    body: dict[str, object] = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "stream": True,
        "system": _system(request.system, is_cached=request.is_repeated),
        "messages": _with_breakpoint(request.messages) if request.is_repeated else request.messages,
    }
    if request.offer.tools or request.offer.deferred:
        body["tools"] = orjson.Fragment(b"[" + b",".join(_tools(request.offer)) + b"]")
    if capabilities.context_management and request.is_repeated:
        trigger = {"type": "input_tokens", "value": clear_above}
        edit = {"type": "clear_tool_uses_20250919", "trigger": trigger, "keep": {"type": "tool_uses", "value": 3}}
        body["context_management"] = {"edits": [edit]}
    return orjson.dumps(body)


def _tools(offer: ToolOffer) -> Iterator[bytes]:
    """Give the definitions' JSON, encoded once when they were made: they are long, and go out with every round."""
    if offer.is_searched_by_api:
        yield _SEARCH_OF_API
    for tool in offer.tools:
        yield tool.encoded
    for tool in offer.deferred:
        yield tool.encoded[:-1] + b',"defer_loading":true}'


def _system(prompt: SystemPrompt, *, is_cached: bool) -> list[JsonObject]:
    """Give the prompt's parts, with a breakpoint behind the one that is everybody's: it covers the tools as well."""
    static: JsonObject = {"type": "text", "text": prompt.static}
    personal: JsonObject = {"type": "text", "text": prompt.personal}
    parts = [part for part in (static, personal) if str(part["text"]).strip()]
    if is_cached and parts:
        parts[0] = {**parts[0], "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    return parts


def _with_breakpoint(messages: Sequence[JsonObject]) -> Sequence[JsonObject]:
    """Give the messages with a breakpoint behind the last one, which the next round or question will begin with."""
    *earlier, last = messages
    content = last["content"]
    if not isinstance(content, list) or not content or not isinstance(content[-1], dict):
        return messages
    block: JsonObject = {**content[-1], "cache_control": {"type": "ephemeral"}}
    return [*earlier, {**last, "content": [*content[:-1], block]}]
