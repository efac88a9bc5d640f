"""The demo model's HTTP application: routes, authentication, error bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from local.demo_model.decision import decide
from local.demo_model.reply import compose, new_id, stream
from local.demo_model.wire import check, parse_messages
from local.messages_api import ApiError
from local.messages_api.betas import betas_of
from local.messages_api.errors import INVALID_REQUEST, error_body
from local.messages_api.http import check_headers, read_body
from local.messages_api.prompt_cache import PromptCache, input_tokens

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_TYPE_OF_STATUS = {404: "not_found_error", 405: INVALID_REQUEST}
"""The errors' types where Starlette refuses a request."""


def create_demo_model(*, words_per_second: float = 40.0) -> Starlette:
    """Create the application. With `words_per_second=math.inf`, it streams without delay.

    Raises:
        ValueError: `words_per_second` is not above zero.
    """
    if words_per_second <= 0:
        raise ValueError("words_per_second must be above zero")
    api = _MessagesApi(1 / words_per_second)
    return Starlette(
        routes=[
            Route("/v1/messages", api.create, methods=["POST"]),
            Route("/v1/messages/count_tokens", api.count_tokens, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _on_http_error, ApiError: _on_api_error, Exception: _on_failure},
    )


class _MessagesApi:
    """The two endpoints with their state, the prompt cache."""

    def __init__(self, seconds_per_word: float) -> None:
        self._seconds_per_word = seconds_per_word
        self._cache = PromptCache()

    async def create(self, request: Request) -> Response:
        """Answer `POST /v1/messages`."""
        check_headers(request.headers)
        body = read_body(await request.body())
        asked = parse_messages(body, betas=betas_of(request.headers))
        reply = compose(decide(asked), asked, body, self._cache.measure(body))
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


def _response(status: int, error_type: str, message: str) -> JSONResponse:
    request_id = new_id("req")
    return JSONResponse(error_body(error_type, message, request_id), status, headers={"request-id": request_id})


def _on_api_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        return _on_failure(_request, error)
    return _response(error.status, error.type, error.message)


def _on_http_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return _on_failure(_request, error)
    return _response(error.status_code, _TYPE_OF_STATUS.get(error.status_code, "api_error"), error.detail)


def _on_failure(_request: Request, _error: Exception) -> Response:
    return _response(500, "api_error", "Internal server error")
