"""The demo model's HTTP application: routes, authentication, error bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from local.demo_model.decision import Decider
from local.demo_model.reply import compose, new_id, stream
from local.demo_model.rules import BadRequest, parse_count, parse_messages
from local.demo_model.usage import PromptCache, input_tokens

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MAX_BODY = 32 * 1024 * 1024
"""The largest request body, in bytes, that the API accepts."""

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    500: "api_error",
}


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
        exception_handlers={HTTPException: _on_http_error, BadRequest: _on_bad_request, Exception: _on_failure},
    )


class _MessagesApi:
    """The two endpoints with their state: the prompt cache, and the catalogues of tools."""

    def __init__(self, seconds_per_word: float) -> None:
        self._seconds_per_word = seconds_per_word
        self._cache = PromptCache()
        self._decider = Decider()

    async def create(self, request: Request) -> Response:
        """Answer `POST /v1/messages`."""
        asked = parse_messages(await _body(request))
        reply = compose(self._decider.decide(asked), asked, self._cache.measure(asked))
        headers = {"request-id": new_id("req")}
        if not asked.stream:
            return JSONResponse(reply.as_json(), headers=headers)
        headers["cache-control"] = "no-cache"
        events = stream(reply, self._seconds_per_word)
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def count_tokens(self, request: Request) -> Response:
        """Answer `POST /v1/messages/count_tokens`."""
        asked = parse_count(await _body(request))
        return JSONResponse({"input_tokens": input_tokens(asked)}, headers={"request-id": new_id("req")})


async def _body(request: Request) -> bytes:
    bearer = request.headers.get("authorization", "").lower().startswith("bearer ")
    if not request.headers.get("x-api-key") and not bearer:
        raise HTTPException(401, "x-api-key header is required")
    if "anthropic-version" not in request.headers:
        raise BadRequest("anthropic-version: header is required")
    body = await request.body()
    if len(body) > MAX_BODY:
        raise HTTPException(413, "Request exceeds the maximum size")
    return body


def _problem(status: int, message: str) -> JSONResponse:
    request_id = new_id("req")
    error = {"type": _TYPES.get(status, "api_error"), "message": message}
    body = {"type": "error", "error": error, "request_id": request_id}
    return JSONResponse(body, status, headers={"request-id": request_id})


def _on_http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _problem(status, error.detail if isinstance(error, HTTPException) else "Internal server error")


def _on_bad_request(_request: Request, error: Exception) -> Response:
    return _problem(400, str(error))


def _on_failure(_request: Request, _error: Exception) -> Response:
    return _problem(500, "Internal server error")
