"""Credentials, stack traces and internal addresses removed from texts before the model sees them."""

from __future__ import annotations

import re

from shared.util.patterns import bounded
from shared.util.text import clean

MAX_REASON_CHARS = 2000
"""Characters of a failure's reason that the model gets."""
MAX_READ_CHARS = 4 * MAX_REASON_CHARS
"""Characters of a failure's reason that are looked at."""

_HIDDEN = "…"
_MIN_SECRET_CHARS = 6
_TRACEBACK = "Traceback (most recent call last)"
_TRACEBACK_LINE = bounded(r"\n[ \t]{0,40}File \"", MAX_READ_CHARS)
# A token is looked for at its beginning only, and so each character is read once.
_TOKEN = bounded(r"(?i:bearer)\s{1,20}\S+|(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*", MAX_READ_CHARS)
_URL = bounded(
    r"(?<![a-z])[a-z]+://(?P<authority>[^\s/\"'<>,;)]+)(?:/[^\s\"'<>]*[^\s\"'<>.,;:)])?/?",
    MAX_READ_CHARS,
    re.IGNORECASE,
)
_PUBLIC_HOST = bounded(
    r"(?:[a-z0-9-]+\.)+(?!local\b|internal\b|svc\b|lan\b|localdomain\b)[a-z]{2,}", 253, re.IGNORECASE
)


def without_secret(text: str, secret: str) -> str:
    """Replace every occurrence of a secret, such as the caller's own token; a very short one is left alone."""
    return text.replace(secret, _HIDDEN) if len(secret) >= _MIN_SECRET_CHARS else text


def without_internals(text: str) -> str:
    """Remove credentials and stack traces from the text of a failure, and cut it to `MAX_READ_CHARS`."""
    text = clean(text[:MAX_READ_CHARS])
    ends = [text.find(_TRACEBACK)]
    if line := _TRACEBACK_LINE.search(text):
        ends.append(line.start())
    if found := [end for end in ends if end >= 0]:
        text = text[: min(found)].rstrip()
    return _TOKEN.sub(_HIDDEN, text)


def without_urls(text: str, *, keep_public: bool) -> str:
    """Remove URLs from the text of a failure; `keep_public` keeps those of public hosts without credentials."""
    return _URL.sub(lambda url: url[0] if keep_public and _is_public(url["authority"]) else _HIDDEN, text)


def _is_public(authority: str) -> bool:
    host, _, _ = authority.rpartition("@")[2].partition(":")
    return "@" not in authority and _PUBLIC_HOST.fullmatch(host) is not None
