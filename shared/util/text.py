"""Texts that PostgreSQL and the Messages API accept."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """Remove NUL characters, which PostgreSQL refuses, and lone surrogates, which are not valid UTF-8."""
    return _UNSTORABLE.sub("", text)
