"""The errors of the Messages API."""

from __future__ import annotations

from typing import Final

INVALID_REQUEST = "invalid_request_error"

STATUS_OF_TYPE: Final = {
    INVALID_REQUEST: 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""Page: "Errors"."""


class ApiError(Exception):
    """An error as the API answers it: its type, its message and the HTTP status of its type."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.type = error_type
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS_OF_TYPE.get(self.type, 500)


def error_body(error_type: str, message: str, request_id: str) -> dict[str, object]:
    """Return the JSON body of an error. Page: "Errors"."""
    return {"type": "error", "error": {"type": error_type, "message": message}, "request_id": request_id}
