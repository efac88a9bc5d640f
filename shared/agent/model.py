"""Claude, through the Anthropic SDK's client: its credentials, retries and connections, but our own reading.

https://platform.claude.com/docs/en/api/messages-streaming
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

import anthropic
import httpx2
import orjson

from shared.agent.events import ReplyFinished
from shared.agent.failures import failure
from shared.agent.wire import ReplyReader, frames

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.agent.events import ModelEvent
    from shared.agent.ports import ModelRequest, SystemPrompt
    from shared.models import JsonObject

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_RETRIES = 2


class Claude:
    """A Model behind the Messages API."""

    def __init__(self, api_key: str, base_url: str | None = None, *, idle_seconds: float = 60.0) -> None:
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

        Raises:
            ModelError: the reply could not be had, or not to its end.
        """
        try:
            response = await self._send(_body(request))
            async with aclosing(response), aclosing(self._events(response)) as events:
                async for event in events:
                    yield event
        except Exception as error:
            log.warning("the model's reply failed: %s", type(error).__name__)
            raise failure(error) from error

    async def _send(self, body: bytes) -> httpx2.Response:
        # The header asks the SDK for the response before its body, as its own `with_streaming_response` does.
        headers = {"X-Stainless-Raw-Response": "stream", "content-type": "application/json"}
        return await self._client.post(
            "/v1/messages", cast_to=httpx2.Response, content=body, options={"headers": headers}
        )

    async def _events(self, response: httpx2.Response) -> AsyncGenerator[ModelEvent, None]:
        reader = ReplyReader()
        async for frame in frames(response.aiter_bytes(), self._idle_seconds):
            for event in reader.read(frame):
                yield event
                if isinstance(event, ReplyFinished):
                    return
        raise EOFError("the stream ended without message_stop")


def _body(request: ModelRequest) -> bytes:
    body: dict[str, object] = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "stream": True,
        "system": _system(request.system),
        "messages": request.messages,
    }
    if request.tools:
        # The definitions are long and seldom change: they were encoded once, when they were made.
        body["tools"] = orjson.Fragment(b"[" + b",".join(tool.encoded for tool in request.tools) + b"]")
    return orjson.dumps(body)


def _system(prompt: SystemPrompt) -> list[JsonObject]:
    return [{"type": "text", "text": text} for text in (prompt.static, prompt.personal) if text.strip()]
