"""How the chat reaches a service: its address, the token, and what to say if the token is rejected."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local.company.principals import USERS
from local.tokens import issue_token, read_secret

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Access:
    """The service's address, with the prefix of its routes, and an access token or API key."""

    base_url: str
    token: str
    rejected: str
    """One line for the user if the service rejects the token, which has not expired."""

    def rejection(self) -> str:
        """Say why the service rejected the token, as far as the token itself shows it."""
        expired = _expiry(self.token)
        if expired is not None and expired <= datetime.now(UTC):
            return f"The access token has expired at {expired:%Y-%m-%d %H:%M} UTC. Get a new one."
        return self.rejected


def given(base_url: str, token: str) -> Access:
    """Return the access with a token that the user has given."""
    return Access(base_url, token, f"The service at {base_url} rejected the access token. Check --token and --url.")


def issued(base_url: str, user: str, secret: str | None, data_dir: Path) -> Access:
    """Return the access of a development user; without a secret, the one in the data directory signs the token.

    Raises:
        StartupError: no service has used the data directory yet.
    """
    known = [one.email for one in USERS]
    if user not in known:
        rejected = f"The service does not know the user {user}. The development users are {', '.join(known)}."
    elif secret is None:
        rejected = f"The service does not use the data directory {data_dir}. Name its directory with --data-dir."
    else:
        rejected = "The service does not use the same IMBI_AUTH_JWT_SECRET."
    return Access(base_url, issue_token(secret or read_secret(data_dir), user), rejected)


def _expiry(token: str) -> datetime | None:
    """Read when a JSON Web Token expires (RFC 7519, section 4.1.4); None for other tokens."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError, binascii.Error):
        return None
