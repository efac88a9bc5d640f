"""Texts without the characters that PostgreSQL and the Messages API refuse."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Return whether a text contains neither NUL characters nor lone surrogates."""
    return _UNSTORABLE.search(text) is None


def clean(text: str) -> str:
    """Return the text without NUL characters and lone surrogates.

    PostgreSQL refuses NUL characters, and UTF-8 cannot encode lone surrogates.
    """
    return _UNSTORABLE.sub("", text)
