"""What a call of the API would change: the present values and the new ones, without secrets."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson

from shared.tools.receipts.differences import readable
from shared.tools.receipts.hiding import hidden, is_hidden
from shared.tools.results.redaction import without_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Hiding:
    """What is hidden besides the usual secrets: fields that the document marks, and the caller's own token."""

    names: frozenset[str]
    token: str

    def of(self, value: JsonValue) -> JsonValue:
        """Return a value with marks in place of its secrets."""
        return hidden(value, self.names, self.token)


def changes_of(
    request: ApiRequest, fields: JsonObject, before: ApiResponse | None, hiding: Hiding
) -> tuple[JsonObject, ...]:
    """Return the changes of a request, each with a JSON pointer (RFC 6901) and the values that are known.

    `fields` are the values of the body, which are told if the body is no JSON, or too long to be compared.
    """
    present = _object_of(before)
    if request.method == "delete":
        return _limited(_deleted(present or {}, hiding), hiding)
    sent = _body_of(request)
    if isinstance(sent, list):
        return _limited(_patched(sent, present, hiding), hiding)
    # The last segment may name the value: `…/configuration/DB_PASSWORD`.
    label: JsonObject = {"id": request.decoded_path.rstrip("/").rpartition("/")[2]}
    return _limited(_replaced(sent if isinstance(sent, dict) else fields, present, label, hiding), hiding)


def _deleted(present: JsonObject, hiding: Hiding) -> Iterator[JsonObject]:
    """Yield the values of something that is deleted which help to recognise it."""
    shown = hiding.of(present)
    for name, value in present.items():
        if value is not None and not isinstance(value, dict | list):
            yield {"path": _pointer(name), "before": _at(shown, [name])}


def _replaced(sent: JsonObject, present: JsonObject | None, label: JsonObject, hiding: Hiding) -> Iterator[JsonObject]:
    shown_sent, shown_present = hiding.of({**label, **sent}), hiding.of({**label, **(present or {})})
    for name, value in sent.items():
        before = _MISSING if present is None else present.get(name)
        if before != value or type(before) is not type(value):
            known: JsonObject = {} if present is None else {"before": _at(shown_present, [name])}
            yield {"path": _pointer(name), **known, "after": _at(shown_sent, [name])}


def _patched(steps: list[JsonValue], present: JsonObject | None, hiding: Hiding) -> Iterator[JsonObject]:
    """Yield the steps of a JSON Patch (RFC 6902) that set or remove a value."""
    shown = hiding.of(present)
    for step in steps:
        if not isinstance(step, dict) or step.get("op") not in {"add", "replace", "remove", "move", "copy"}:
            continue
        path = str(step.get("path"))
        names = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:_MAX_DEPTH]]
        known: JsonObject = {} if present is None else {"before": _at(shown, names)}
        after = f"(from {step.get('from')})" if step["op"] in {"move", "copy"} else step.get("value")
        yield {"path": path, **known, "after": None if step["op"] == "remove" else _placed(names, after, hiding)}


def _placed(names: Sequence[str], value: JsonValue, hiding: Hiding) -> JsonValue:
    """Return a value without secrets, judged by its place in a document."""
    document = value
    for name in reversed(names):
        document = {name: document}
    return _at(hiding.of(document), names)


def _at(value: JsonValue, names: Sequence[str]) -> JsonValue:
    """Return the value at a place; None where there is none, and a mark where it is within a secret."""
    for name in names:
        if is_hidden(value):
            return value
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and len(name) < _MAX_DEPTH and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _limited(changes: Iterator[JsonObject], hiding: Hiding) -> tuple[JsonObject, ...]:
    return tuple(
        {key: value if key == "path" else _shown(readable(value), hiding.token) for key, value in change.items()}
        for change, _ in zip(changes, range(_MAX_CHANGES), strict=False)
    )


def _shown(value: JsonValue, token: str, depth: int = 0) -> JsonValue:
    """Return a value that is cut where it is long."""
    if isinstance(value, str):
        text = without_secret(value, token)
        return text if len(text) <= _MAX_TEXT_CHARS else f"{text[:_MAX_TEXT_CHARS]}…"
    if depth > _MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        value = {name: _shown(item, token, depth + 1) for name, item in value.items()}
    elif isinstance(value, list):
        value = [_shown(item, token, depth + 1) for item in value]
    if depth == 0 and isinstance(value, dict | list) and len(orjson.dumps(value)) > _MAX_VALUE_BYTES:
        return f"({len(value)} entries)"
    return value


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
