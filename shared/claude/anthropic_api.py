"""Anthropic's own API over HTTP, without the SDK, whose import takes longer than that of all other modules together.

https://platform.claude.com/docs/en/api/overview
"""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2

from shared.claude.endpoint import ApiError, error_of
from shared.claude.rate_limits import RateLimits
from shared.claude.retries import (
    LONGEST_PAUSE_SECONDS,
    PAUSE_BEFORE_FALLBACK_SECONDS,
    RETRIES,
    is_retryable,
    pause_seconds,
)
from shared.observability import trace_context
from shared.util.connections import ONE_CONNECTION, REPEATABLE, KeptConnections, proxy_for
from shared.util.response_bodies import REST_SECONDS, ResponseBodies

if TYPE_CHECKING:
    from shared.claude.request import EncodedRequest
    from shared.util.response_bodies import ResponseBody

log = logging.getLogger(__name__)

DEFAULT_URL = "https://api.anthropic.com"
_VERSION = "2026-10-21"
_CONNECT_SECONDS = 10.0
_MAX_CONNECTIONS = 1000
_MAX_ERROR_BYTES = 65_536
_USED_UP = "Nothing remains of a rate limit, so the request was not sent."


def open_transport(url: str) -> httpx2.AsyncBaseTransport:
    """Build a transport for requests to a model. It follows no redirects: a key must not go to another host."""
    proxy = proxy_for(url)
    tls = httpx2.create_ssl_context()
    return KeptConnections(
        lambda: httpx2.AsyncHTTPTransport(verify=tls, proxy=proxy, limits=ONE_CONNECTION), _MAX_CONNECTIONS
    )


def timeout(idle_seconds: float) -> httpx2.Timeout:
    """Return the time limits of a request to a model; `idle_seconds` limits each wait for bytes."""
    return httpx2.Timeout(idle_seconds, connect=_CONNECT_SECONDS)


class AnthropicApi:
    """The endpoint of Anthropic's API, or of a server that speaks it."""

    def __init__(
        self, api_key: str, base_url: str | None, *, idle_seconds: float, limits: RateLimits | None = None
    ) -> None:
        """Prepare without a request; `idle_seconds` limits each wait for bytes, and `limits` gets the API's limits."""
        url = (base_url or DEFAULT_URL).rstrip("/")
        self._url = httpx2.URL(f"{url}/v1/messages")
        self._idle_seconds = idle_seconds
        self._limits = limits or RateLimits()
        self._bodies = ResponseBodies()
        self._headers = {
            "accept": "application/json",
            # Compressing the small pieces of a stream would delay them.
            "accept-encoding": "identity",
            "anthropic-version": _VERSION,
            "content-type": "application/json",
            "user-agent": "imbi-assistant",
            "x-api-key": api_key,
        }
        if self._url.userinfo:
            login = f"{self._url.username}:{self._url.password}".encode()
            self._headers["authorization"] = f"Basic {b64encode(login).decode()}"
        self._transport = open_transport(url)
        # A reply that was begun twice costs tokens, and changes nothing.
        self._extensions = {"timeout": timeout(idle_seconds).as_dict(), REPEATABLE: True}

    async def aclose(self) -> None:
        """Close the connections."""
        await self._bodies.aclose()
        await self._transport.aclose()

    async def post(self, request: EncodedRequest) -> ResponseBody:
        """Send a request and return the body of its reply. Transient failures are retried at most twice.

        A request is not sent again if the API asks for a longer pause, and not at all if the API has said that nothing
        is left of a limit and there is a fallback.

        Raises:
            ApiError: the API refused the request.
            httpx2.TransportError: the API could not be reached.
        """
        longest_pause = PAUSE_BEFORE_FALLBACK_SECONDS if request.has_fallback else LONGEST_PAUSE_SECONDS
        longest_pause = min(longest_pause, self._idle_seconds)
        used_up = self._limits.seconds_used_up(request.model) if request.has_fallback else 0.0
        if used_up > longest_pause:
            raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_error", _USED_UP, retry_after=used_up)
        for attempt in range(RETRIES + 1):
            try:
                response = await self._send(request)
            except httpx2.TransportError as error:
                if attempt == RETRIES:
                    raise
                pause, reason = pause_seconds(attempt), type(error).__name__
            else:
                self._limits.note(request.model, response.headers)
                if response.is_success:
                    return self._bodies.open(response)
                refusal = error_of(response, await self._error_body(response))
                pause, reason = pause_seconds(attempt, response.headers), f"HTTP {response.status_code}"
                may_retry = attempt < RETRIES and is_retryable(response.status_code, response.headers)
                if not may_retry or pause > longest_pause:
                    raise refusal
            log.info("the request to the model is sent again in %.1f s: %s", pause, reason)
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _send(self, request: EncodedRequest) -> httpx2.Response:
        headers = self._headers | ({"anthropic-beta": request.betas} if request.betas else {})
        if (trace := trace_context.of_span()) is not None:
            headers["traceparent"] = trace.parent
        built = httpx2.Request(
            "POST", self._url, content=request.body, headers=headers, extensions={**self._extensions}
        )
        return await self._transport.handle_async_request(built)

    async def _error_body(self, response: httpx2.Response) -> bytes:
        """Read the body of an error; what has arrived of it counts if the connection fails or the body is too long."""
        body = self._bodies.open(response)
        content = b""
        try:
            async with asyncio.timeout(REST_SECONDS):
                async for piece in body:
                    content += piece
                    if len(content) > _MAX_ERROR_BYTES:
                        break
        except (httpx2.HTTPError, TimeoutError):
            log.info("the body of an error of the model's API could not be read to its end")
        finally:
            body.release(REST_SECONDS)
        return content[:_MAX_ERROR_BYTES]
