"""The failures of a reply, each with one plain sentence and a code for the client."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import httpx2

from shared.claude.endpoint import ApiError
from shared.claude.frames import BrokenStream
from shared.claude.stream import StreamedError
from shared.domain.errors import BUSY, CONTEXT_OVERFLOW, SOMETHING_WENT_WRONG, ModelError
from shared.observability.redaction import redact
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from shared.domain.errors import RefusedPart


class _Kind(NamedTuple):
    code: str
    message: str
    retryable: bool


OVERLOADED = _Kind("overloaded", "The AI model is overloaded right now. Please try again in a moment.", retryable=True)
RATE_LIMITED = _Kind(
    "rate_limited", "Too many requests are being made to the AI model. Please try again in a minute.", retryable=True
)
TIMEOUT = _Kind("timeout", "The AI model took too long to answer. Please try again.", retryable=True)
CONNECTION_LOST = _Kind("connection_lost", "The connection to the AI model was lost. Please try again.", retryable=True)
INVALID_REQUEST = _Kind("invalid_request", "The AI model did not accept the request.", retryable=False)
AUTHENTICATION = _Kind(
    "authentication", "The assistant is not allowed to use the AI model. Please tell an administrator.", retryable=False
)
TOO_LONG = _Kind(
    CONTEXT_OVERFLOW,
    "This conversation has become too long for the AI model. Please start a new one.",
    retryable=False,
)
INTERNAL = _Kind("internal", SOMETHING_WENT_WRONG, retryable=True)

_BY_TYPE = {
    "overloaded_error": OVERLOADED,
    "rate_limit_error": RATE_LIMITED,
    "timeout_error": TIMEOUT,
    "invalid_request_error": INVALID_REQUEST,
    "not_found_error": INVALID_REQUEST,
    "request_too_large": TOO_LONG,
    "authentication_error": AUTHENTICATION,
    "permission_error": AUTHENTICATION,
    "billing_error": AUTHENTICATION,
    "api_error": INTERNAL,
}
_BY_STATUS = {
    400: INVALID_REQUEST,
    401: AUTHENTICATION,
    402: AUTHENTICATION,
    403: AUTHENTICATION,
    404: INVALID_REQUEST,
    408: TIMEOUT,
    413: TOO_LONG,
    422: INVALID_REQUEST,
    429: RATE_LIMITED,
    503: OVERLOADED,
    504: TIMEOUT,
    529: OVERLOADED,
}
_SIGNS_OF_OVERFLOW = ("prompt is too long", "exceed context limit", "maximum context length")


_MOMENTARY = frozenset({"overloaded_error", "rate_limit_error", "api_error", "timeout_error"})
_LONGEST_SENTENCE = 500
_LONGEST_WAIT_SECONDS = 3600
_LONG = r"(?:(?!\1)\s|(?!\1)\S(?<=\S{32}))"
_QUOTATION = bounded(rf"""(?<!\w)(['"`])(?:(?!\1)\S)*{_LONG}(?:(?!\1).)*(?:\1|$)|\{{.*|\[.{{32,}}""", _LONGEST_SENTENCE)
"""Quoted texts that are long or have a space, and JSON. Short quoted names stay."""
_BLOCK_PATH = bounded(r"messages\.\d+\.content\.\d+", _LONGEST_SENTENCE)


def failure(error: Exception) -> ModelError:
    """Return the error for the user that belongs to a reply's exception, without the exception's own text."""
    kind = _kind(error)
    refused = _refused_part(error) if kind is INVALID_REQUEST else None
    wait = _wait(kind, error)
    message = _with_wait(kind.message, wait)
    return ModelError(message, code=kind.code, retryable=kind.retryable, refused=refused, retry_after=wait)


def _wait(kind: _Kind, error: Exception) -> int | None:
    """Return the whole seconds of the wait that the API asks for, if it is a sensible one."""
    wait = error.retry_after if isinstance(error, ApiError) and kind.code in BUSY else None
    return ceil(wait) if wait is not None and 0 < wait <= _LONGEST_WAIT_SECONDS else None


def _with_wait(message: str, wait: int | None) -> str:
    """Return the sentence for the user, with the wait that the API asks for."""
    if wait is None:
        return message
    reason, _, _ = message.partition(" Please ")
    return f"{reason} Please try again in {wait} {'second' if wait == 1 else 'seconds'}."


def is_momentary(error: StreamedError) -> bool:
    """Return whether the same request may succeed a moment later."""
    return error.kind in _MOMENTARY


def describe(error: Exception) -> str:
    """Return the reason for a failure, for the log: the API's status, error type, message and request id."""
    match error:
        case ApiError():
            # A refused credential may be quoted in the message.
            sentence = "" if _kind(error) is AUTHENTICATION else f" {_sentence(error.message)}"
            return f"HTTP {error.status} {error.kind}{sentence} (request {error.request_id})"
        case StreamedError():
            return f"{error.kind} in the stream: {_sentence(str(error))}"
        case _:
            return type(error).__name__


def _sentence(message: str) -> str:
    """Return the API's sentence without long quotations: some gateways repeat parts of the request."""
    return redact(_QUOTATION.sub("'…'", message[:_LONGEST_SENTENCE]))


def _refused_part(error: Exception) -> RefusedPart | None:
    """Return the part of the history that the API does not accept, by the API's error message.

    https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks
    """
    message = error.message[:_LONGEST_SENTENCE].lower() if isinstance(error, ApiError) else ""
    if "thinking" in message and ("signature" in message or "cannot be modified" in message or "bound to" in message):
        return "thinking"
    if "image" in message:
        return "image"
    return "block" if _BLOCK_PATH.search(message) else None


def _kind(error: Exception) -> _Kind:
    match error:
        case StreamedError():
            return _of_type(error.kind, str(error), INTERNAL)
        case httpx2.TimeoutException() | TimeoutError():
            return TIMEOUT
        case httpx2.TransportError() | BrokenStream() | EOFError():
            return CONNECTION_LOST
        case ApiError():
            return _of_type(error.kind, error.message, _BY_STATUS.get(error.status, INTERNAL))
        case _:
            return INTERNAL


def _of_type(name: str, message: str, otherwise: _Kind) -> _Kind:
    kind = _BY_TYPE.get(name, otherwise)
    if kind is INVALID_REQUEST and any(sign in message.lower() for sign in _SIGNS_OF_OVERFLOW):
        return TOO_LONG
    return kind
