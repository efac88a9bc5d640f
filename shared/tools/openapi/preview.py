"""What a call of the API would change: the present values and the new ones, without secrets."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson

from shared.tools.openapi.secrets import is_secret_name
from shared.tools.results.redaction import without_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.openapi.client import ApiResponse
    from shared.tools.openapi.request import ApiRequest

MAX_PREVIEW_BYTES = 65_536
"""A larger body, present or sent, is not compared."""
_MAX_CHANGES = 40
_MAX_TEXT_CHARS = 300
_MAX_VALUE_BYTES = 2_000
_MAX_DEPTH = 20
_HIDDEN = "(hidden)"
_MISSING = object()


def changes_of(method: str, request: ApiRequest, before: ApiResponse | None, token: str) -> tuple[JsonObject, ...]:
    """Return the changes of a request, each with a JSON pointer (RFC 6901) and the values that are known."""
    present = _object_of(before)
    sent = _body_of(request)
    if method == "delete":
        found = (
            {"path": _pointer(name), "before": value} for name, value in (present or {}).items() if _is_told(value)
        )
        return _limited(found, token)
    if isinstance(sent, list):
        return _limited(_patched(sent, present), token)
    return _limited(_replaced(sent if isinstance(sent, dict) else {}, present), token)


def _replaced(sent: JsonObject, present: JsonObject | None) -> Iterator[JsonObject]:
    for name, value in sent.items():
        before = _MISSING if present is None else present.get(name)
        if before != value or type(before) is not type(value):
            yield _change(_pointer(name), before, value)


def _patched(steps: list[JsonValue], present: JsonObject | None) -> Iterator[JsonObject]:
    """Yield the steps of a JSON Patch (RFC 6902) that set or remove a value."""
    for step in steps:
        if not isinstance(step, dict):
            continue
        path = str(step.get("path"))
        if step.get("op") in {"add", "replace", "remove"}:
            before = _MISSING if present is None else _at(present, path)
            yield _change(path, before, None if step.get("op") == "remove" else step.get("value"))
        elif step.get("op") in {"move", "copy"}:
            before = _MISSING if present is None else _at(present, path)
            yield _change(path, before, f"(from {step.get('from')})")


def _change(path: str, before: object, after: JsonValue) -> JsonObject:
    known: JsonObject = {} if before is _MISSING else {"before": before}  # type: ignore[dict-item]  # it is JSON
    return {"path": path, **known, "after": after}


def _at(value: JsonValue, pointer: str) -> JsonValue:
    """Return the value at a JSON pointer, or None where there is none."""
    for part in pointer.split("/")[1:_MAX_DEPTH]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and len(key) < _MAX_DEPTH and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _limited(changes: Iterator[JsonObject], token: str) -> tuple[JsonObject, ...]:
    found = []
    for change, _ in zip(changes, range(_MAX_CHANGES), strict=False):
        names = str(change["path"]).split("/")
        is_secret = any(is_secret_name(name) for name in names)
        found.append(
            {
                key: value if key == "path" else _HIDDEN if is_secret and value is not None else _shown(value, token)
                for key, value in change.items()
            }
        )
    return tuple(found)


def _shown(value: JsonValue, token: str, depth: int = 0) -> JsonValue:
    """Return a value without secrets, and cut where it is long."""
    if isinstance(value, str):
        text = without_secret(value, token)
        return text if len(text) <= _MAX_TEXT_CHARS else f"{text[:_MAX_TEXT_CHARS]}…"
    if depth > _MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        value = {
            name: _HIDDEN if is_secret_name(name) and item is not None else _shown(item, token, depth + 1)
            for name, item in value.items()
        }
    elif isinstance(value, list):
        value = [_shown(item, token, depth + 1) for item in value]
    if depth == 0 and isinstance(value, dict | list) and len(orjson.dumps(value)) > _MAX_VALUE_BYTES:
        return f"({len(value)} entries)"
    return value


def _is_told(value: JsonValue) -> bool:
    """Return whether a value of something that is deleted helps to recognise it."""
    return value is not None and not isinstance(value, dict | list)


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _object_of(response: ApiResponse | None) -> JsonObject | None:
    if response is None or response.status != HTTPStatus.OK or not response.media_type.endswith("json"):
        return None
    return _parsed_object(response.body)


def _parsed_object(content: bytes) -> JsonObject | None:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _body_of(request: ApiRequest) -> JsonValue:
    media_type = next((value for name, value in request.headers if name == "Content-Type"), b"")
    if b"json" not in media_type or len(request.content) > MAX_PREVIEW_BYTES:
        return None
    try:
        body: JsonValue = orjson.loads(request.content)
    except orjson.JSONDecodeError:
        return None
    return body
