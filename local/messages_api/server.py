"""A server of the Messages API whose replies a program decides: routes, authentication, error bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from local.messages_api.betas import betas_of
from local.messages_api.errors import INVALID_REQUEST, STATUS_OF_TYPE, ApiError, error_body
from local.messages_api.http import check_headers, read_body
from local.messages_api.parsed_request import MessagesRequest, check, parse_messages
from local.messages_api.prompt_cache import PromptCache, input_tokens
from local.messages_api.reply import Decision, compose, new_id, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response


def create_messages_api(decide: Callable[[MessagesRequest], Decision], words_per_second: float) -> Starlette:
    """Create the application. With `words_per_second=math.inf`, it streams without delay.

    Raises:
        ValueError: `words_per_second` is not above zero.
    """
    if words_per_second <= 0:
        raise ValueError("words_per_second must be above zero")
    api = _MessagesApi(decide, 1 / words_per_second)
    return Starlette(
        routes=[
            Route("/v1/messages", api.create, methods=["POST"]),
            Route("/v1/messages/count_tokens", api.count_tokens, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _on_error, ApiError: _on_error, Exception: _on_error},
    )


class _MessagesApi:
    """The two endpoints with their state, the prompt cache."""

    def __init__(self, decide: Callable[[MessagesRequest], Decision], seconds_per_word: float) -> None:
        self._decide = decide
        self._seconds_per_word = seconds_per_word
        self._cache = PromptCache()

    async def create(self, request: Request) -> Response:
        """Answer `POST /v1/messages`."""
        check_headers(request.headers)
        body = read_body(await request.body())
        asked = parse_messages(body, betas=betas_of(request.headers))
        reply = compose(self._decide(asked), asked, body, self._cache.measure(body))
        headers = {"request-id": new_id("req")}
        if not asked.stream:
            return JSONResponse(reply.as_json(), headers=headers)
        headers["cache-control"] = "no-cache"
        events = stream(reply, self._seconds_per_word)
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def count_tokens(self, request: Request) -> Response:
        """Answer `POST /v1/messages/count_tokens`."""
        check_headers(request.headers)
        body = read_body(await request.body())
        check(body, betas=betas_of(request.headers), is_count=True)
        return JSONResponse({"input_tokens": input_tokens(body)}, headers={"request-id": new_id("req")})


def _on_error(_request: Request, error: Exception) -> Response:
    """Answer an error as the API does; of an unexpected one it tells nothing."""
    status, kind, told = 500, "api_error", "Internal server error"
    if isinstance(error, ApiError):
        status, kind, told = error.status, error.type, error.message
    elif isinstance(error, HTTPException):
        kind = next((name for name, code in STATUS_OF_TYPE.items() if code == error.status_code), INVALID_REQUEST)
        status, told = error.status_code, error.detail
    request_id = new_id("req")
    return JSONResponse(error_body(kind, told, request_id), status, headers={"request-id": request_id})
