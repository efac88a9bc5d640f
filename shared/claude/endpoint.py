"""The endpoint of the Messages API: the interface of what sends a request, and the error of a refused request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import orjson

from shared.claude.retries import asked_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2

    from shared.claude.request import EncodedRequest

_OBJECT_FIELDS = ("type", "message")


class ApiError(Exception):
    """The API answered with an error status."""

    def __init__(
        self, status: int, kind: str, message: str, request_id: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        """The API's own error type, such as `overloaded_error`; empty if the body named none."""
        self.message = message
        self.request_id = request_id
        self.retry_after = retry_after
        """The seconds after which the API asks for the next attempt, if it names them."""


class ReplyBody(Protocol):
    """The body of a reply: server-sent events as bytes, in pieces of any length."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the iterator over the pieces.

        Raises:
            httpx2.ReadTimeout: nothing arrived for the endpoint's `idle_seconds`.
            httpx2.TransportError: the connection failed.
        """
        ...

    def release(self, seconds: float) -> None:
        """Consume no more; the rest may arrive for this time, else the connection is closed."""
        ...


class Endpoint(Protocol):
    """Sends requests to the Messages API at one address."""

    async def post(self, request: EncodedRequest) -> ReplyBody:
        """Send a request and return the body of its reply. Transient failures are retried.

        Raises:
            ApiError: the API refused the request.
            httpx2.TransportError: the API could not be reached.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


def error_of(response: httpx2.Response, content: bytes) -> ApiError:
    """Read the error of a response (https://platform.claude.com/docs/en/api/errors)."""
    kind, message = _read(content)
    request_id = response.headers.get("request-id", "")
    return ApiError(response.status_code, kind, message, request_id, asked_seconds(response.headers))


def _read(content: bytes) -> tuple[str, str]:
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return "", content.decode("utf-8", "replace").strip()
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", content.decode("utf-8", "replace").strip()
    kind, message = (str(error.get(name) or "") for name in _OBJECT_FIELDS)
    return kind, message
