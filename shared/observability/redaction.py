"""Texts without what looks like a token, a key or a password."""

from __future__ import annotations

import re

_SECRETS = re.compile(
    r"""
    (?<=bearer\s)\S+                                  # an access token in a header
    | (?<![\w-])(?:eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?)    # a JWT
    | \bsk-[\w-]{8,}                                  # a key of the model's API
    | \bik_\w+                                        # an API key of Imbi
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)                 # a user and password in a URL
    | \bgAAAAA[\w=-]{20,}                             # a Fernet token
    """,
    re.IGNORECASE | re.VERBOSE,
)
_REDACTED = "[hidden]"


def redact(text: str) -> str:
    """Replace everything that looks like a token, a key or a password."""
    return _SECRETS.sub(_REDACTED, text)
