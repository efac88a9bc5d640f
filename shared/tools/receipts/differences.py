"""The differences of two JSON documents, and those of them that a person or a program made on purpose."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

MOST_CHANGES = 20
"""The changes that a receipt lists."""
_LONGEST_VALUE = 300
"""Characters of a value in the list of changes, as JSON."""
_MAX_NAME_CHARS = 200
_HUMP = bounded(r"(?<=[a-z0-9])(?=[A-Z])", _MAX_NAME_CHARS)
_SET_BY_SERVER = frozenset(
    {
        "updated_at",
        "updated_by",
        "updated",
        "update_time",
        "modified_at",
        "modified_by",
        "modified",
        "changed_at",
        "changed_by",
        "etag",
        "_etag",
        "score",
        "breakdown",
    }
)
"""Names of fields that a server changes by itself when it stores something, or from time to time."""
_COUNTED_BY_SERVER = ("version", "revision", "_count", "resource_version")
"""Endings of the names of fields that are numbers which a server counts."""


HIDDEN: Final = "imbi_assistant_hidden"
"""The only key of the object that stands for a secret in a receipt's documents."""
_SHOWN_SECRET = "(hidden)"  # noqa: S105  # no secret


class Absent(Enum):
    """The type of the value of a field that does not exist, which is not the same as null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
Value: TypeAlias = "JsonValue | Absent"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two documents differ; each side is ABSENT where it has no such place."""

    tokens: tuple[str, ...]
    before: Value
    after: Value

    @property
    def pointer(self) -> str:
        """The place as a JSON Pointer."""
        return pointer_of(self.tokens)


def pointer_of(tokens: Sequence[str]) -> str:
    """Write a JSON Pointer (RFC 6901)."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def tokens_of(pointer: str) -> tuple[str, ...]:
    """Read a JSON Pointer."""
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def value_at(document: Value, tokens: Sequence[str]) -> Value:
    """Return the value at a place, or ABSENT."""
    current = document
    for token in tokens:
        if isinstance(current, dict):
            current = current.get(token, ABSENT)
        elif isinstance(current, list) and token.isdecimal() and int(token) < len(current):
            current = current[int(token)]
        else:
            return ABSENT
    return current


def is_same(one: Value, other: Value) -> bool:
    """Compare two values as JSON does: 1 and 1.0 are the same, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return one == other


def differences(before: Value, after: Value, tokens: tuple[str, ...] = ()) -> Iterator[Difference]:
    """Yield the innermost differences of two documents. Lists of different lengths differ as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            yield from differences(before.get(name, ABSENT), after.get(name, ABSENT), (*tokens, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, (*tokens, str(index)))
    elif not is_same(before, after):
        yield Difference(tokens, before, after)


def deliberate(before: Value, after: Value, writable: Collection[str] = ()) -> list[Difference]:
    """List the differences without those that a server makes by itself; fields in `writable` are never left out."""
    return [each for each in differences(before, after) if not _is_of_server(each, writable)]


def _is_of_server(difference: Difference, writable: Collection[str]) -> bool:
    if not difference.tokens or difference.tokens[0] in writable:
        return False
    return any(is_set_by_server(token, difference) for token in difference.tokens)


def is_set_by_server(name: str, difference: Difference | None = None) -> bool:
    """Return whether a field of this name is usually set by the server alone."""
    snake = _HUMP.sub("_", name).lower() if len(name) <= _MAX_NAME_CHARS else name
    if snake in _SET_BY_SERVER or (snake.startswith("last_") and not snake.endswith("name")):
        return True
    numbers = difference is not None and all(
        isinstance(side, int) and not isinstance(side, bool) for side in (difference.before, difference.after)
    )
    return numbers and snake.endswith(_COUNTED_BY_SERVER)


def listed(found: Sequence[Difference], secret_changes: Sequence[str]) -> tuple[tuple[JsonObject, ...], int]:
    """Write differences as a receipt's changes; return them and the number of those that are left out."""
    changes: list[JsonObject] = [{"path": pointer, "is_secret": True} for pointer in secret_changes]
    changes += [_change(each) for each in found if each.pointer not in secret_changes]
    return tuple(changes[:MOST_CHANGES]), max(0, len(changes) - MOST_CHANGES)


def _change(difference: Difference) -> JsonObject:
    change: JsonObject = {"path": difference.pointer}
    for name, value in (("before", difference.before), ("after", difference.after)):
        if not isinstance(value, Absent):
            change[name] = _short(value)
    return change


def _short(value: JsonValue) -> JsonValue:
    value = readable(value)
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def readable(value: JsonValue) -> JsonValue:
    """Write the marks of secrets for people."""
    if isinstance(value, dict):
        return _SHOWN_SECRET if HIDDEN in value else {name: readable(item) for name, item in value.items()}
    return [readable(item) for item in value] if isinstance(value, list) else value
