"""The HTTP responses to errors: status, detail and headers of each exception (RFC 9110)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from shared.domain import errors

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

log = logging.getLogger(__name__)

_RETRY = {"Retry-After": "2"}
_STATUSES: dict[type[errors.AssistantError], tuple[int, str, dict[str, str]]] = {
    errors.Unauthenticated: (401, "Not authenticated", {"WWW-Authenticate": "Bearer"}),
    errors.Forbidden: (403, "Only users have conversations", {}),
    errors.PermissionMissing: (403, "You lack the permission for this", {}),
    errors.ConversationNotFound: (404, "Conversation not found", {}),
    errors.AnswerNotFound: (404, "Answer not found", {}),
    errors.UserNotFound: (404, "User not found", {}),
    errors.ConversationFull: (400, "The conversation has reached its maximum number of turns", {}),
    errors.AssistantUnavailable: (503, "AI assistant is not available", {}),
    errors.ConversationBusy: (409, "Another reply to this conversation is streaming", _RETRY),
    errors.AnswerRunning: (409, "This message is being answered", _RETRY),
    errors.ApprovalNotFound: (404, "Approval not found", {}),
    errors.ApprovalClosed: (409, "The approval can no longer be decided", {}),
    errors.KeyReused: (422, "The Idempotency-Key has been used with other content", {}),
    errors.NotReplaceable: (404, "The message to replace is not a current question of this conversation", {}),
    errors.LimitReached: (429, "A limit is reached", _RETRY),
    errors.TooManyStreams: (503, "Too many answers are being streamed", _RETRY),
    errors.GraphUnavailable: (503, "The database cannot be reached", _RETRY),
    errors.GraphBusy: (503, "The assistant is busy: too many requests are waiting", _RETRY),
    errors.GraphConflict: (409, "Somebody else changed this at the same time", _RETRY),
    errors.AssistantError: (500, "Internal server error", {}),
}


def install(app: FastAPI) -> None:
    """Add handlers for this service's exceptions and for invalid bodies to an application."""
    for kind in _STATUSES:
        app.add_exception_handler(kind, _render)
    app.add_exception_handler(RequestValidationError, _render_invalid)
    app.add_exception_handler(400, _render_unreadable)


async def _render(_request: Request, error: Exception) -> JSONResponse:
    kind = next(kind for kind in type(error).__mro__ if kind in _STATUSES)
    status, detail, headers = _STATUSES[kind]
    if type(error) is not kind:
        log.error("a request failed: %s: %s", type(error).__name__, error)
    if kind is errors.ApprovalClosed:
        detail = str(error) or detail
    if isinstance(error, errors.LimitReached):
        detail, headers = str(error), {"Retry-After": str(error.retry_after)}
    return JSONResponse({"detail": detail}, status, headers)


async def _render_invalid(_request: Request, error: Exception) -> JSONResponse:
    """Return each error's type, location and message. The input is left out: JSON may be unable to represent it."""
    errors_found = error.errors() if isinstance(error, RequestValidationError) else []
    details = [
        {"type": each["type"], "loc": list(each["loc"]), "msg": _printable(each["msg"])} for each in errors_found
    ]
    return JSONResponse({"detail": details}, 422)


async def _render_unreadable(_request: Request, _error: Exception) -> JSONResponse:
    """Return 422 where FastAPI gives 400: it could not parse the body, which is nested too deeply, for example."""
    detail = {"type": "json_invalid", "loc": ["body"], "msg": "JSON decode error"}
    return JSONResponse({"detail": [detail]}, 422)


def unexpected() -> JSONResponse:
    """Return the response to a request that failed with an exception of no known kind."""
    return JSONResponse({"detail": "Internal server error"}, 500)


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
