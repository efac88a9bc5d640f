"""The arguments of calls without secrets, for records that people read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.tools.results.redaction import without_internals
from shared.util.patterns import bounded
from shared.util.text import clean

if TYPE_CHECKING:
    from pydantic import JsonValue

_HIDDEN = "…"
_MAX_DEPTH = 8
_MAX_MEMBERS = 50
_MAX_TEXT_CHARS = 300
_MAX_NAME_CHARS = 100
_MAX_CHARS = 4_000
_MAX_READ_CHARS = 40_000
_SECRET_NAME = bounded(
    r"(?:pass(?:word|phrase|wd|code)|secret|token|credential|private|authorization|cookie|api.?key|access.?key"
    r"|encrypt|signature|otp|(?:^|[_-])(?:pin|pwd|key)$)",
    _MAX_NAME_CHARS,
)
_CREDENTIALS = bounded(r"(?<=://)[^\s/@]{1,200}@", _MAX_READ_CHARS)
"""A user's name and password in a URL."""
_ASSIGNED = bounded(
    r"(?i:((?:password|passwd|passphrase|secret|token|api[_-]?key)[\"']?\s{0,3}[:=]\s{0,3})\S{1,200})", _MAX_READ_CHARS
)
_KNOWN = bounded(r"\b(?:ik_|sk-|gh[pousr]_|github_pat_|xox[abprs]-|glpat-|AKIA)[\w-]{8,200}", _MAX_READ_CHARS)
"""Keys that their makers let begin in a way of their own."""


def masked(arguments: JsonValue) -> str:
    """Return arguments as JSON text without secrets: members whose names mean one, tokens, and URLs' credentials.

    Long texts, long lists and deep values are shortened, and the whole text has at most 4,000 characters.
    """
    text = json.dumps(_masked(arguments, 0), ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + _HIDDEN


def without_credentials(text: str) -> str:
    """Return a text without credentials in URLs, assigned passwords and keys of known forms; it is cut at 40,000."""
    shown = _CREDENTIALS.sub(f"{_HIDDEN}@", text)
    return _KNOWN.sub(_HIDDEN, _ASSIGNED.sub(rf"\1{_HIDDEN}", shown))


def _masked(value: JsonValue, depth: int) -> JsonValue:
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, list | dict):
        return value
    if depth == _MAX_DEPTH:
        return _HIDDEN
    if isinstance(value, list):
        items = [_masked(each, depth + 1) for each in value[:_MAX_MEMBERS]]
        return [*items, _HIDDEN] if len(value) > _MAX_MEMBERS else items
    members = list(value.items())[:_MAX_MEMBERS]
    hides = _names_a_secret(value)
    kept = {
        clean(name[:_MAX_NAME_CHARS]): _HIDDEN
        if item is not None and (_is_secret(name) or (hides and name in {"value", "new_value", "content"}))
        else _masked(item, depth + 1)
        for name, item in members
    }
    return {**kept, _HIDDEN: _HIDDEN} if len(value) > _MAX_MEMBERS else kept


def _text(text: str) -> str:
    shown = without_credentials(without_internals(text[:_MAX_TEXT_CHARS]))
    return shown + _HIDDEN if len(text) > _MAX_TEXT_CHARS else shown


def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name[:_MAX_NAME_CHARS].lower()) is not None


def _names_a_secret(value: dict[str, JsonValue]) -> bool:
    """Return whether an object gives a secret its name in another member: a JSON Patch, or a name with its value."""
    named = (value.get("path"), value.get("name"), value.get("key"))
    return any(isinstance(name, str) and _is_secret(name.rpartition("/")[2]) for name in named)
