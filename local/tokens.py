"""Access tokens for the development users."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import jwt

from local.secret_file import read_or_create

if TYPE_CHECKING:
    from pathlib import Path

_LIFETIME_SECONDS = 24 * 60 * 60
_SECRET_BYTES = 48


def load_secret(data_dir: Path) -> str:
    """Read the secret that signs tokens from the data directory; create it if there is none.

    Raises:
        StartupError: the data directory cannot be used.
    """
    return read_or_create(data_dir / "jwt_secret", lambda: secrets.token_urlsafe(_SECRET_BYTES))


def issue_token(secret: str, email: str) -> str:
    """Issue an access token for a user; it expires after 24 hours."""
    now = int(time.time())
    claims = {"sub": email, "jti": str(uuid4()), "type": "access", "iat": now, "exp": now + _LIFETIME_SECONDS}
    return jwt.encode(claims, secret, algorithm="HS256")
