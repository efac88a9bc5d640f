"""Access tokens for the development users."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import jwt

from local.secret_file import read_or_create
from shared.domain.errors import StartupError

if TYPE_CHECKING:
    from pathlib import Path

_LIFETIME_SECONDS = 24 * 60 * 60
_SECRET_BYTES = 48
_FILE = "jwt_secret"


def load_secret(data_dir: Path) -> str:
    """Read the secret that signs tokens from the data directory; create it if there is none.

    Raises:
        StartupError: the data directory cannot be used.
    """
    return read_or_create(data_dir / _FILE, lambda: secrets.token_urlsafe(_SECRET_BYTES))


def read_secret(data_dir: Path) -> str:
    """Read the secret of a service that has run with the data directory.

    Raises:
        StartupError: no service has used the directory yet, or it cannot be read.
    """
    if not (data_dir / _FILE).exists():
        raise StartupError(
            f"No service has used the data directory {data_dir} yet. Start one with `make run`, or name another "
            "directory with --data-dir."
        )
    return load_secret(data_dir)


def issue_token(secret: str, email: str) -> str:
    """Issue an access token for a user; it expires after 24 hours."""
    now = int(time.time())
    claims = {"sub": email, "jti": str(uuid4()), "type": "access", "iat": now, "exp": now + _LIFETIME_SECONDS}
    return jwt.encode(claims, secret, algorithm="HS256")
