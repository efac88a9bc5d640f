"""Access tokens for development users, under a secret that is made once and kept in the data directory."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import jwt

if TYPE_CHECKING:
    from pathlib import Path

_LIFETIME_SECONDS = 24 * 60 * 60


def kept_secret(data_dir: Path) -> str:
    """Read the data directory's secret, made where there is none; only its owner can read it."""
    path = data_dir / "jwt_secret"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        unfinished = data_dir / f"jwt_secret.{os.getpid()}"
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_urlsafe(48), encoding="ascii")
        unfinished.rename(path)
    return path.read_text(encoding="ascii").strip()


def issue_token(secret: str, email: str) -> str:
    """Issue an access token that is good for a day."""
    now = int(time.time())
    claims = {"sub": email, "jti": str(uuid4()), "type": "access", "iat": now, "exp": now + _LIFETIME_SECONDS}
    return jwt.encode(claims, secret, algorithm="HS256")
