"""Secrets and keys in settings that may contain several values, so that old ones stay valid during a change."""

from __future__ import annotations

from base64 import urlsafe_b64decode

FERNET_BYTES = 32
MIN_SECRET_BYTES = 32
"""The minimum length of an HS256 secret outside development (RFC 7518, section 3.2), and of an origin's secret."""


def separated_keys(value: str) -> tuple[str, ...]:
    """Return the keys of a value that may contain several, separated by commas, the newest first."""
    return tuple(key.strip() for key in value.split(","))


def separated_secrets(value: str) -> tuple[str, ...]:
    """Return the JWT secrets of a value; it is one secret unless all parts between commas are long enough."""
    parts = separated_keys(value)
    is_list = len(parts) > 1 and all(len(part.encode()) >= MIN_SECRET_BYTES for part in parts)
    return parts if is_list else (value,)


def is_fernet_key(key: str) -> bool:
    """Return whether a text is a key of Fernet: 32 bytes in URL-safe base64."""
    try:
        return len(urlsafe_b64decode(key)) == FERNET_BYTES
    except ValueError:
        return False
