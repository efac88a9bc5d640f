"""Secrets hidden in the documents of receipts: found by the names of fields and by the formats of values."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from shared.tools.receipts.differences import HIDDEN, is_same, pointer_of, value_at
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.receipts.differences import Value

_MAX_NAME_CHARS = 200
_MAX_VALUE_CHARS = 100_000
"""Characters of a text that are searched for secrets; a longer text is hidden as a whole."""
_MIN_TOKEN_CHARS = 6
_NAMES = (
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "private_key",
    "private_keys",
    "api_key",
    "api_keys",
    "apikey",
    "access_key",
    "secret_key",
    "signing_key",
    "encryption_key",
    "encrypted",
    "token",
    "tokens",
    "credential",
    "credentials",
    "credential_values",
    "recovery_codes",
    "backup_codes",
    "authorization",
    "static_value",
    "connection_string",
)
"""Endings of the names of fields that hold a secret, in snake case."""
_WORDS = ("otp", "pin", "pwd", "dsn", "cookie", "cvv")
"""Last words of such names, which are also the endings of harmless words."""
_COUNTS = ("tokens", "token")
"""Endings after which a number is an amount and no secret."""
_NO_SECRETS = ("next_", "page_", "continuation_", "sync_", "previous_", "cursor_", "cancel_", "has_", "is_", "needs_")
"""Beginnings of the names of fields that are no secrets: those of pages, and flags."""
_LABELS = ("name", "key", "id", "field", "variable", "header")
"""Fields that name the value beside them."""
_VALUES = ("value", "values", "content", "data", "default")
_FLAGS = ("secret", "is_secret", "sensitive", "is_sensitive", "masked", "encrypted", "protected")
"""Flags that say that the value beside them is a secret."""
_SECRET_TYPES = frozenset({"secret", "password", "securestring", "secure_string", "credential", "token"})
_HUMP = bounded(r"(?<=[a-z0-9])(?=[A-Z])", _MAX_NAME_CHARS)
_NO_WORD = bounded(r"[^a-z0-9]+", 2 * _MAX_NAME_CHARS)
_ASSIGNED = r"[\"']?\s{0,3}[=:]\s{0,3}[\"']?[^\s\"',;]{4,}"
# Each alternative begins with a plain letter or sign, because Python then passes quickly over all other characters. So
# what must not stand before a match is checked behind its first letters, and a letter of any case is written twice.
_FORMATS = bounded(
    r"b(?i:earer|asic)\s{1,9}[\w.~+/=-]{8,}|B(?i:earer|asic)\s{1,9}[\w.~+/=-]{8,}"
    r"|eyJ(?<![\w-]...)[\w-]{6,}\.[\w-]+"
    r"|ik_(?<![\w-]...)[\w.-]{8,}"
    r"|sk[-_](?<![\w-]...)[\w.-]{8,}"
    r"|pk_live_(?<![\w-].{8})[\w.-]{8,}"
    r"|rk_(?<![\w-]...)[\w.-]{8,}"
    r"|g(?:h[opsur]_(?<![\w-].{4})|ithub_pat_(?<![\w-].{11})|lpat-(?<![\w-].{6}))[\w.-]{8,}"
    r"|xox[abpors]-(?<![\w-].{5})[\w.-]{8,}"
    r"|npm_(?<![\w-].{4})[\w.-]{8,}"
    r"|pypi-(?<![\w-].{5})[\w.-]{8,}"
    r"|dckr_pat_(?<![\w-].{9})[\w.-]{8,}"
    r"|hvs\.(?<![\w-].{4})[\w.-]{8,}"
    r"|AIza(?<![\w-].{4})[\w.-]{8,}"
    r"|A[KS]IA(?<![A-Za-z0-9].{4})[A-Z0-9]{12,}"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY"
    r"|://[^\s/:@]{0,200}:[^\s/@]{1,200}@"
    rf"|p(?i:assword|asswd){_ASSIGNED}|P(?i:assword|asswd){_ASSIGNED}"
    rf"|s(?i:ecret){_ASSIGNED}|S(?i:ecret){_ASSIGNED}|\u017f(?i:ecret){_ASSIGNED}"
    rf"|t(?i:oken){_ASSIGNED}|T(?i:oken){_ASSIGNED}"
    rf"|a(?i:pi[_-]?key|ccess[_-]?key){_ASSIGNED}|A(?i:pi[_-]?key|ccess[_-]?key){_ASSIGNED}",
    _MAX_VALUE_CHARS,
)
_STANDS_FOR_SECRET = bounded(
    r"\s*(?:[*\u2022\u25cf]{3,}.{0,8}|.{0,8}\*{4,}|[<\[(]?(?:redacted|hidden|masked)[>\])]?)\s*", 200, re.IGNORECASE
)


def parsed(text: str) -> JsonValue:
    """Parse a document that can be stored and sent again with the same meaning.

    Raises:
        ValueError: it is no JSON, or has numbers that JSON cannot write.
        RecursionError: it is nested too deeply.
    """

    def refuse(constant: str) -> float:
        raise ValueError(constant)

    document: JsonValue = json.loads(text, parse_constant=refuse)
    json.dumps(document, allow_nan=False)
    return document


def hidden(document: JsonValue, names: Collection[str] = (), token: str = "") -> JsonValue:
    """Return a document with a mark in place of each secret.

    `names` are further names of secret fields, in snake case; `token` is the caller's own, which is hidden wherever it
    stands.
    """
    return _Hider(frozenset(names), token).of(document)


def is_hidden(value: Value) -> bool:
    """Return whether a value is the mark of a secret."""
    return isinstance(value, dict) and value.keys() == {HIDDEN}


def has_hidden(value: Value) -> bool:
    """Return whether a value is or contains the mark of a secret."""
    return next(_marks(value, ()), None) is not None


def secret_differences(before: Value, after: Value, hidden_before: Value, hidden_after: Value) -> tuple[str, ...]:
    """List the JSON Pointers of the secrets that differ between two documents, from the documents and their copies."""
    places = dict.fromkeys([*_marks(hidden_before, ()), *_marks(hidden_after, ())])
    return tuple(pointer_of(place) for place in places if not is_same(value_at(before, place), value_at(after, place)))


def is_secret_name(name: str, names: Collection[str] = ()) -> bool:
    """Return whether a field of this name holds a secret."""
    snake = snake_case(name)
    is_secret = snake.endswith(_NAMES) or snake.rpartition("_")[2] in _WORDS
    return snake in names or (is_secret and not snake.startswith(_NO_SECRETS))


class _Hider:
    def __init__(self, names: frozenset[str], token: str) -> None:
        self._names = names
        self._token = token if len(token) >= _MIN_TOKEN_CHARS else ""

    def of(self, value: JsonValue) -> JsonValue:
        """Hide the secrets in a value whose own name is no secret's."""
        if isinstance(value, dict):
            if any(self._is_secret(name) for name in value):
                return _mark()
            labelled = self._is_labelled(value)
            return {
                name: self._all(item, is_count=snake_case(name).endswith(_COUNTS))
                if is_secret_name(name, self._names) or (labelled and snake_case(name) in _VALUES)
                else self.of(item)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.of(item) for item in value]
        return _mark() if isinstance(value, str) and self._is_secret(value) else value

    def _all(self, value: JsonValue, *, is_count: bool) -> JsonValue:
        """Hide everything in a value whose name is a secret's, except null, flags and empty values."""
        if isinstance(value, dict):
            return {name: self._all(item, is_count=is_count) for name, item in value.items()}
        if isinstance(value, list):
            return [self._all(item, is_count=is_count) for item in value]
        if value is None or isinstance(value, bool) or value == "" or (is_count and isinstance(value, int | float)):
            return value
        return _mark()

    def _is_labelled(self, members: JsonObject) -> bool:
        """Return whether an object says of the value that it holds that it is a secret."""
        by_name = {snake_case(name): value for name, value in members.items()}
        if any(by_name.get(flag) is True for flag in _FLAGS):
            return True
        kind = by_name.get("type", by_name.get("kind"))
        if isinstance(kind, str) and kind.lower() in _SECRET_TYPES:
            return True
        labels = (by_name.get(label) for label in _LABELS)
        return any(isinstance(label, str) and is_secret_name(label, self._names) for label in labels)

    def _is_secret(self, text: str) -> bool:
        if len(text) > _MAX_VALUE_CHARS or (self._token and self._token in text):
            return True
        return _FORMATS.search(text) is not None or _STANDS_FOR_SECRET.fullmatch(text) is not None


def _mark() -> JsonObject:
    return {HIDDEN: True}


def _marks(value: Value, tokens: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if is_hidden(value):
        yield tokens
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _marks(item, (*tokens, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _marks(item, (*tokens, str(index)))


def snake_case(name: str) -> str:
    """Write a name in snake case."""
    return _NO_WORD.sub("_", _HUMP.sub("_", name).lower()).strip("_")
