"""Questions without personal data and secrets, so that they can be kept as cases."""

from __future__ import annotations

import re

from shared.observability.redaction import redact
from shared.tools.results.masking import without_credentials
from shared.util.patterns import bounded

_MAX_CHARS = 32_768
_EMAIL = bounded(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", _MAX_CHARS)
_SOMEBODY = "somebody@example.com"
_PRIVATE_KEY = bounded(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,8000}(?:-----END[^-]{0,60}-----)?", _MAX_CHARS)
_SAID = bounded(
    r"\b((?:password|passwd|passphrase|passcode|pin|secret|token|credential|api.?key)s?"
    r"(?:\s{1,3}(?:is|was|are|of|now|still|to|then)){1,3}\s{1,3})\S{1,200}",
    _MAX_CHARS,
    re.IGNORECASE,
)
"""A secret that a sentence names."""
_RANDOM = bounded(r"(?<![\w/+-])[\w/+-]{20,400}={0,2}", _MAX_CHARS)
_KINDS = tuple(map(re.compile, ("[a-z]", "[A-Z]", r"\d")))
_HIDDEN = "[hidden]"


def redacted(text: str) -> str:
    """Return a text without emails, tokens, keys and passwords; what is longer than a message is cut."""
    text = _PRIVATE_KEY.sub(_HIDDEN, redact(text[:_MAX_CHARS]))
    text = _SAID.sub(rf"\1{_HIDDEN}", without_credentials(text))
    return _EMAIL.sub(_SOMEBODY, _RANDOM.sub(_without_random, text))


def _without_random(found: re.Match[str]) -> str:
    """Hide a text of small letters, capital letters and digits, as only generated ones are; keep names and paths."""
    text = found[0]
    parts = re.split(r"[/_-]", text)
    longest = max(parts, key=len)
    is_random = len(longest) >= len("0123456789abcdef") and all(kind.search(longest) for kind in _KINDS)
    return _HIDDEN if is_random else text
