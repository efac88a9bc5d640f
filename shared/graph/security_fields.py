"""The fields that decide about access, read strictly: a malformed value is an error and never a default.

Other services write these fields. A value that cannot be understood may have been meant to restrict access.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.util import clock

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import JsonObject


class Malformed(ValueError):
    """A field has a value that cannot be understood; the text names the field and not the value."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the field {name} is malformed")


def flag(properties: JsonObject, name: str, *, absent: bool) -> bool:
    """Return a boolean field, or `absent` if there is none.

    Raises:
        Malformed: the value is not a boolean; texts and numbers are none.
    """
    value = properties.get(name)
    if value is None:
        return absent
    if not isinstance(value, bool):
        raise Malformed(name)
    return value


def names(properties: JsonObject, name: str) -> frozenset[str]:
    """Return a list of names, stored as a list or as JSON text. An absent list is empty.

    Raises:
        Malformed: the value is not a list of texts.
    """
    value = properties.get(name)
    if value is None:
        return frozenset()
    if isinstance(value, str):
        value = _parsed(value, name)
    if not isinstance(value, list):
        raise Malformed(name)
    texts = frozenset(each for each in value if isinstance(each, str) and each.strip())
    if not all(isinstance(each, str) and each in texts for each in value):
        raise Malformed(name)
    return texts


def seconds(properties: JsonObject, name: str, *, absent: float) -> float:
    """Return a time in seconds since the epoch, or `absent` if there is none.

    Raises:
        Malformed: the value is not an ISO 8601 text.
    """
    value = properties.get(name)
    if value is None:
        return absent
    if not isinstance(value, str):
        raise Malformed(name)
    try:
        return clock.parse(value).timestamp()
    except (ValueError, OverflowError):
        raise Malformed(name) from None


def _parsed(text: str, name: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed(name) from None
    return value
