"""The Imbi API's responses as results for the model."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.domain.ports import ToolOutput
from shared.tools.results.redaction import (
    MAX_READ_CHARS,
    MAX_REASON_CHARS,
    without_internals,
    without_secret,
    without_urls,
)
from shared.tools.results.sanitize import binary_notice

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.openapi.client import ApiResponse

_MAX_ERROR_BYTES = 1_000_000
"""A larger body of an error is not parsed: its reason would not be for a person."""
_MAX_VALIDATION_ERRORS = 20
_TEXT_TYPES = ("text/", "application/xml", "application/yaml", "application/x-yaml", "application/javascript")
_REASON_KEYS = ("detail", "message", "error_description", "error", "title")
_TRACE_KEYS = frozenset({"traceback", "stack", "stacktrace"})
_SERVER_ERROR = 500


def output_of(response: ApiResponse, token: str = "") -> ToolOutput:
    """Turn a response into a tool's output, without the caller's token should the API repeat it.

    The time is linear in the body's length, some 10 ms for a megabyte.
    """
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        return ToolOutput(_failure(response, token), is_error=True, code=f"http_{response.status}")
    if not response.body.strip():
        return ToolOutput(f"Done ({_status(response)}); the API gave no content.")
    return ToolOutput(without_secret(_body_text(response), token))


def _body_text(response: ApiResponse) -> str:
    """Decode a body; a sentence stands for a body that is no text."""
    if _is_json(response):
        return response.body.decode("utf-8-sig", "replace")
    if response.media_type.startswith(_TEXT_TYPES) or response.media_type.endswith("+xml"):
        try:
            return response.body.decode(response.charset, "replace")
        except LookupError:
            return response.body.decode("utf-8", "replace")
    if response.media_type or b"\x00" in response.body:
        return binary_notice(response.media_type, len(response.body))
    try:
        return response.body.decode()
    except UnicodeDecodeError:
        return binary_notice("", len(response.body))


def _is_json(response: ApiResponse) -> bool:
    return response.media_type.endswith("+json") or response.media_type in {"application/json", "text/json"}


def _status(response: ApiResponse) -> str:
    try:
        return f"{response.status} {HTTPStatus(response.status).phrase}"
    except ValueError:
        return str(response.status)


def _failure(response: ApiResponse, token: str) -> str:
    """Say why the API refused a request, without credentials, stack traces and internal addresses."""
    reason = without_internals(without_secret(_reason(response)[: 2 * MAX_READ_CHARS], token))
    reason = without_urls(reason, keep_public=response.status < _SERVER_ERROR).strip()
    if len(reason) > MAX_REASON_CHARS:
        reason = f"{reason[:MAX_REASON_CHARS]}…"
    return f"HTTP {_status(response)}: {reason}" if reason else f"HTTP {_status(response)}"


def _reason(response: ApiResponse) -> str:
    """Find the reason in an error's body. HTML pages and the details of server errors are not for the model."""
    if not _is_json(response):
        is_plain = response.media_type == "text/plain" and response.status < _SERVER_ERROR
        return response.body[:MAX_READ_CHARS].decode("utf-8", "replace") if is_plain else ""
    if len(response.body) > _MAX_ERROR_BYTES:
        return ""
    try:
        content: JsonValue = json.loads(response.body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(content, dict):
        return _shown(content)
    for key in _REASON_KEYS:
        if content.get(key):
            return _shown(content[key])
    return "" if response.status >= _SERVER_ERROR else _shown(content)


def _shown(value: JsonValue) -> str:
    """Show a reason: a text unchanged, validation errors a line each, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, dict) and "msg" in item for item in value):
        lines = [_validation_error(item) for item in value[:_MAX_VALIDATION_ERRORS] if isinstance(item, dict)]
        return "\n".join(lines)
    if isinstance(value, dict):
        value = {key: item for key, item in value.items() if key.lower() not in _TRACE_KEYS}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _validation_error(error: JsonObject) -> str:
    location = error.get("loc")
    place = ".".join(str(part) for part in location) if isinstance(location, list) else ""
    return f"{place}: {error.get('msg')}" if place else str(error.get("msg"))
