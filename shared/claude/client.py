"""The client of Claude. It uses the SDK's credentials, retries and connections, and this package's stream reader.

https://platform.claude.com/docs/en/api/messages-streaming
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

import anthropic
import httpx2

from shared.claude.capabilities import capabilities_of
from shared.claude.errors import describe, failure, is_momentary
from shared.claude.optional_features import Features
from shared.claude.request import encode
from shared.claude.stream import ReplyReader, StreamedError, frames
from shared.domain.content_blocks import blocks_of
from shared.domain.events import ReplyFinished, ThinkingAdded, UsageCounted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.claude.request import EncodedRequest
    from shared.domain.events import ModelEvent
    from shared.domain.requests import ModelRequest

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_RETRIES = 2
_PAUSE_SECONDS = 0.5
"""The pause before the first retry of a reply that failed before its first event; it doubles with each retry."""
_MOST_REFUSALS = 4
"""The number of times that one request is sent again without a refused feature."""


class Claude:
    """A Model that uses the Messages API."""

    def __init__(
        self, api_key: str, base_url: str | None = None, *, idle_seconds: float = 60.0, clear_above: int = 100_000
    ) -> None:
        """Take the credentials; `idle_seconds` limits each wait, and `clear_above` is a number of tokens."""
        self._clear_above = clear_above
        self._idle_seconds = idle_seconds
        self._features = Features()
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
        """Stream a reply. Transient failures before the first event are retried at most twice, later ones never.

        The wait for the first byte is at most `idle_seconds`, including the SDK's own retries.

        Raises:
            ModelError: the model gave no reply, or the reply is incomplete.
        """
        try:
            for attempt in range(_RETRIES + 1):
                has_begun = False
                try:
                    async with aclosing(self._attempt(request)) as events:
                        async for event in events:
                            has_begun = has_begun or not isinstance(event, UsageCounted)
                            yield event
                except StreamedError as error:
                    if has_begun or attempt == _RETRIES or not is_momentary(error):
                        raise
                    log.info("the model's reply failed; the request is sent again: %s", describe(error))
                    await asyncio.sleep(_PAUSE_SECONDS * 2**attempt)
                else:
                    return
        except Exception as error:
            log.warning("the model's reply failed: %s", describe(error))
            raise failure(error) from error

    async def _attempt(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        async with asyncio.timeout(self._idle_seconds):
            response = await self._send(request)
        shows_thinking = capabilities_of(request.model).thinking_display
        replying = self._events(response, _call_ids(request), shows_thinking=shows_thinking)
        async with aclosing(response), aclosing(replying) as events:
            async for event in events:
                yield event

    async def _send(self, request: ModelRequest) -> httpx2.Response:
        """Send a request. If the API refuses an optional feature, send the request again without it."""
        for _ in range(_MOST_REFUSALS):
            encoded = encode(request, self._features, self._clear_above)
            try:
                return await self._post(encoded)
            except anthropic.BadRequestError as error:
                if not self._features.note_refusal(error.message, encoded.features):
                    raise
        return await self._post(encode(request, self._features, self._clear_above))

    async def _post(self, encoded: EncodedRequest) -> httpx2.Response:
        # The first header makes the SDK return the response before its body, as its own `with_streaming_response` does.
        headers = {"X-Stainless-Raw-Response": "stream", "content-type": "application/json"}
        if encoded.betas:
            headers["anthropic-beta"] = encoded.betas
        return await self._client.post(
            "/v1/messages", cast_to=httpx2.Response, content=encoded.body, options={"headers": headers}
        )

    async def _events(
        self, response: httpx2.Response, call_ids: set[str], *, shows_thinking: bool
    ) -> AsyncGenerator[ModelEvent, None]:
        reader = ReplyReader(call_ids)
        async for frame in frames(response.aiter_bytes(), self._idle_seconds):
            for event in reader.read(frame):
                if shows_thinking or not isinstance(event, ThinkingAdded):
                    yield event
                if isinstance(event, ReplyFinished):
                    return
        raise EOFError("the stream ended without message_stop")


def _call_ids(request: ModelRequest) -> set[str]:
    """Return the ids of a conversation's calls; no further call may have one of them."""
    blocks = (block for message in request.messages for block in blocks_of(message))
    return {str(block.get("id")) for block in blocks if block.get("type") == "tool_use"}
