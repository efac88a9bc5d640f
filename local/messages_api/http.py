"""The rules for a request's headers and for its body as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from local.messages_api.errors import INVALID_REQUEST, ApiError
from local.messages_api.sizes import check_body_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.messages_api.request import Body


def check_headers(headers: Mapping[str, str]) -> None:
    """Check the headers, whose names are in lower case. Pages: "API overview", "Versions".

    Raises:
        ApiError: there is no key, no version, or the body is no JSON.
    """
    has_token = headers.get("authorization", "").lower().startswith("bearer ")
    if not (headers.get("x-api-key") or has_token):
        raise ApiError("authentication_error", "x-api-key header is required")
    if not headers.get("anthropic-version"):
        raise ApiError(INVALID_REQUEST, "anthropic-version: header is required")
    if not headers.get("content-type", "application/json").startswith("application/json"):
        raise ApiError(INVALID_REQUEST, "content-type: must be application/json")


def read_body(content: bytes) -> Body:
    """Read a body of JSON.

    Raises:
        ApiError: it is too large, not JSON, or not an object.
    """
    check_body_size(content)
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ApiError(INVALID_REQUEST, f"The request body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise ApiError(INVALID_REQUEST, "The request body is not a JSON object")
    return body
