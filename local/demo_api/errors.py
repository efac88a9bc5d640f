"""The API's errors; each answers with its status and `{"detail": …}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import HTTPException, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

if TYPE_CHECKING:
    from fastapi import Request


class BadRequest(HTTPException):
    """The request is not valid."""

    def __init__(self, detail: str) -> None:
        super().__init__(status.HTTP_400_BAD_REQUEST, detail)


class Unauthorized(HTTPException):
    """The credentials are missing or not valid."""

    def __init__(self, detail: str) -> None:
        super().__init__(status.HTTP_401_UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})


class Forbidden(HTTPException):
    """The caller lacks a permission."""

    def __init__(self, detail: str) -> None:
        super().__init__(status.HTTP_403_FORBIDDEN, detail)


class NotFound(HTTPException):
    """The resource does not exist."""

    def __init__(self, detail: str) -> None:
        super().__init__(status.HTTP_404_NOT_FOUND, detail)


class Conflict(HTTPException):
    """The request conflicts with an existing resource."""

    def __init__(self, detail: str) -> None:
        super().__init__(status.HTTP_409_CONFLICT, detail)


class Unprocessable(HTTPException):
    """The request is well-formed, but its values are wrong."""

    def __init__(self, detail: str) -> None:
        super().__init__(status.HTTP_422_UNPROCESSABLE_CONTENT, detail)


async def invalid_request(_: Request, error: Exception) -> JSONResponse:
    """Answer 422 without repeating the input, which may contain values that JSON cannot express."""
    if not isinstance(error, RequestValidationError):
        raise error
    detail = [{key: part[key] for key in ("loc", "msg", "type")} for part in error.errors()]
    return JSONResponse({"detail": detail}, status.HTTP_422_UNPROCESSABLE_CONTENT)
