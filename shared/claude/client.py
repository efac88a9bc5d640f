"""The client of Claude: it encodes requests, sends them to an endpoint, and reads the replies' events.

https://platform.claude.com/docs/en/api/messages-streaming
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.claude.capabilities import capabilities_of
from shared.claude.endpoint import ApiError
from shared.claude.errors import describe, failure, is_momentary
from shared.claude.frames import FrameReader
from shared.claude.optional_features import Features
from shared.claude.request import encode
from shared.claude.retries import RETRIES
from shared.claude.stream import ReplyReader, StreamedError
from shared.domain.events import ReplyFinished, UsageCounted
from shared.domain.models import NO_USAGE
from shared.util.response_bodies import REST_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.claude.endpoint import Endpoint, ReplyBody
    from shared.domain.events import ModelEvent
    from shared.domain.requests import ModelRequest

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.5
"""The pause before the first retry of a reply that failed before its first event; it doubles with each retry."""
_UNKNOWN_REST_SECONDS = 0.25
"""The time in which an interrupted reply may end by itself, so that its connection can be used again."""
_MOST_REFUSALS = 4
"""The number of times that one request is sent again without a refused feature."""


class Claude:
    """A Model that uses the Messages API."""

    def __init__(self, endpoint: Endpoint, *, idle_seconds: float = 60.0, clear_above: int = 100_000) -> None:
        """Take the endpoint; `idle_seconds` limits each wait, and `clear_above` is a number of tokens."""
        self._endpoint = endpoint
        self._clear_above = clear_above
        self._idle_seconds = idle_seconds
        self._features = Features()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._endpoint.aclose()

    async def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream a reply. Transient failures before the first event are retried at most twice, later ones never.

        The tokens of all attempts are counted.

        The wait for the first byte is at most `idle_seconds`, including the endpoint's own retries.

        Raises:
            ModelError: the model gave no reply, or the reply is incomplete.
        """
        spent = counted = NO_USAGE
        try:
            for attempt in range(RETRIES + 1):
                has_begun = False
                spent, counted = spent + counted, NO_USAGE
                try:
                    async with aclosing(self._attempt(request)) as events:
                        async for event in events:
                            match event:
                                case UsageCounted(counted):
                                    yield UsageCounted(spent + counted)
                                case ReplyFinished(reply):
                                    yield ReplyFinished(replace(reply, usage=spent + reply.usage))
                                case _:
                                    has_begun = True
                                    yield event
                except StreamedError as error:
                    if has_begun or attempt == RETRIES or not is_momentary(error):
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
            body = await self._send(request)
        shows_thinking = capabilities_of(request.model).thinking_display
        frames, reader = FrameReader(), ReplyReader(request.call_ids, shows_thinking=shows_thinking)
        silent, since = 0.0, time.monotonic()
        try:
            async for piece in body:
                # The time in which the consumer is busy does not count.
                silent += time.monotonic() - since
                for frame in frames.read(piece):
                    silent = 0.0
                    for event in reader.read(frame):
                        yield event
                        if isinstance(event, ReplyFinished):
                            return
                if silent > self._idle_seconds:
                    raise TimeoutError("nothing but pings arrived")
                since = time.monotonic()
            raise EOFError("the stream ended without message_stop")
        finally:
            body.release(REST_SECONDS if reader.is_ending else _UNKNOWN_REST_SECONDS)

    async def _send(self, request: ModelRequest) -> ReplyBody:
        """Send a request. If the API refuses an optional feature, send the request again without it."""
        for _ in range(_MOST_REFUSALS):
            encoded = encode(request, self._features, self._clear_above)
            try:
                return await self._endpoint.post(encoded)
            except ApiError as error:
                is_refusal = error.status == HTTPStatus.BAD_REQUEST
                if not is_refusal or not self._features.note_refusal(error.message, encoded.features):
                    raise
        return await self._endpoint.post(encode(request, self._features, self._clear_above))
