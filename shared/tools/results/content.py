"""What tools give, as text or content blocks for the model: compact, harmless, said once."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.domain.ports import ToolOutput
from shared.util.text import clean

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.openapi.client import Answer

_LONGEST_REASON = 2000
_MOST_VALIDATION_ERRORS = 20
_TEXT_TYPES = ("text/", "application/xml", "application/yaml", "application/x-yaml", "application/javascript")
_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_NUL = re.compile(r"((?<!\\)(?:\\\\)*)\\u0000")
_SPACED = re.compile(r"""[\r\n\t]|[\[{,:] |[\]}] """)
_SPACES = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+')
_TRACEBACK = re.compile(r"\s*Traceback \(most recent call last\).*|\n\s*File \".*", re.DOTALL)
_URL = re.compile(
    r"\b[a-z][a-z0-9+.-]*://(?P<authority>[^\s/\"'<>,;)]+)(?:/[^\s\"'<>]*[^\s\"'<>.,;:)])?/?", re.IGNORECASE
)
_PUBLIC_HOST = re.compile(r"(?:[a-z0-9-]+\.)+(?!local\b|internal\b|svc\b|lan\b|localdomain\b)[a-z]{2,}", re.IGNORECASE)
_BEARER = re.compile(r"(?i)bearer\s+\S+|\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_SERVER_ERROR = 500


def compact_json(text: str) -> str:
    """Take the white space out of JSON and leave everything else as it is, numbers of any size included."""
    if _ESCAPED.search(text):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return clean(text)
        return json_text(value)
    return clean(_SPACES.sub(r"\1", text) if _SPACED.search(text) else text)


def output_of(answer: Answer, token: str = "") -> ToolOutput:
    """Render an answer of the API."""
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return ToolOutput(_failure(answer, token), is_error=True)
    if not answer.body.strip():
        return ToolOutput(f"Done ({_status(answer)}); the API gave no content.")
    return ToolOutput(_body_text(answer))


def presentable(text: str) -> str:
    """Take out of what a failure says for people what is no business of theirs: credentials and stack traces."""
    return _BEARER.sub("…", _TRACEBACK.sub("", clean(text)))


def json_text(value: JsonValue) -> str:
    """Write a value as compact JSON without what neither the database nor the model's API accepts."""
    return clean(_NUL.sub(r"\1", json.dumps(value, ensure_ascii=False, separators=(",", ":"))))


def binary(media_type: str, size: int) -> str:
    """Say that there is something which is no text."""
    return f"Binary content, which is not shown: {media_type or 'of an unknown type'}, {size:,} bytes."


def _body_text(answer: Answer) -> str:
    """Decode a body; what is no text is told in a sentence."""
    if _is_json(answer):
        return compact_json(answer.body.decode("utf-8-sig", "replace"))
    if answer.media_type.startswith(_TEXT_TYPES) or answer.media_type.endswith("+xml"):
        try:
            return clean(answer.body.decode(answer.charset, "replace"))
        except LookupError:
            return clean(answer.body.decode("utf-8", "replace"))
    if answer.media_type or b"\x00" in answer.body:
        return binary(answer.media_type, len(answer.body))
    try:
        return compact_json(answer.body.decode())
    except UnicodeDecodeError:
        return binary("", len(answer.body))


def _is_json(answer: Answer) -> bool:
    return answer.media_type.endswith("+json") or answer.media_type in {"application/json", "text/json"}


def _status(answer: Answer) -> str:
    try:
        return f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        return str(answer.status)


def _failure(answer: Answer, token: str) -> str:
    """Say what the API said, without what is only its own business."""
    reason = _reason(answer)
    if token:
        reason = reason.replace(token, "…")
    reason = presentable(reason)
    is_own_fault = answer.status >= _SERVER_ERROR
    reason = _URL.sub(lambda match: match[0] if not is_own_fault and _is_public(match["authority"]) else "…", reason)
    reason = reason.strip()
    if len(reason) > _LONGEST_REASON:
        reason = f"{reason[:_LONGEST_REASON]}…"
    return f"HTTP {_status(answer)}: {reason}" if reason else f"HTTP {_status(answer)}"


def _is_public(authority: str) -> bool:
    host, _, _ = authority.rpartition("@")[2].partition(":")
    return "@" not in authority and _PUBLIC_HOST.fullmatch(host) is not None


def _reason(answer: Answer) -> str:
    """Find what a failed answer says for people; pages and traces of server errors say nothing to a model."""
    if not _is_json(answer):
        is_plain = answer.media_type == "text/plain" and answer.status < _SERVER_ERROR
        return answer.body[: _LONGEST_REASON * 4].decode("utf-8", "replace") if is_plain else ""
    try:
        content: JsonValue = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(content, dict):
        return _shown(content)
    for key in ("detail", "message", "error_description", "error", "title"):
        if content.get(key):
            return _shown(content[key])
    return "" if answer.status >= _SERVER_ERROR else _shown(content)


def _shown(value: JsonValue) -> str:
    """Show a reason: a text as it is, validation errors a line each, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, dict) and "msg" in item for item in value):
        lines = [_validation_error(item) for item in value[:_MOST_VALIDATION_ERRORS] if isinstance(item, dict)]
        return "\n".join(lines)
    if isinstance(value, dict):
        value = {key: item for key, item in value.items() if key.lower() not in {"traceback", "stack", "stacktrace"}}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _validation_error(error: JsonObject) -> str:
    location = error.get("loc")
    place = ".".join(str(part) for part in location) if isinstance(location, list) else ""
    return f"{place}: {error.get('msg')}" if place else str(error.get("msg"))
