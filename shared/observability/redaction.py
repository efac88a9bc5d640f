"""Texts without what looks like a token, a key or a password."""

from __future__ import annotations

import re

# Each alternative begins with one sign or class, because Python then passes quickly over all other characters. So what
# must not stand before a match is checked behind its first letter; U+017F, U+0130 and U+0131 are cases of `s` and `i`.
_SECRETS = re.compile(
    r"""
    (?P<before>\s)(?<=(?i:bearer)\s)\S+                         # an access token in a header
    | [eE](?<![\w-].)(?i:yJ[\w-]+\.[\w-]+(?:\.[\w-]*)?)         # a JWT
    | [sS\u017f](?<!\w.)(?i:k-[\w-]{8,})                        # a key of the model's API
    | [iI\u0130\u0131](?<!\w.)(?i:k_\w+)                        # an API key of Imbi
    | (?P<scheme>://)[^/\s:@]*:[^/\s@]+(?=@)                    # a user and password in a URL
    | [gG](?<!\w.)(?i:AAAAA[\w=-]{20,})                         # a Fernet token
    """,
    re.VERBOSE,
)
_REDACTED = r"\g<before>\g<scheme>[hidden]"


def redact(text: str) -> str:
    """Replace everything that looks like a token, a key or a password."""
    return _SECRETS.sub(_REDACTED, text)
