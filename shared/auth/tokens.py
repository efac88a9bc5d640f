"""Access tokens: JSON Web Tokens that Imbi issues (RFC 7519), verified without any I/O."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from shared.domain.errors import Unauthenticated
from shared.util.text import is_storable

if TYPE_CHECKING:
    from jwt.types import Options

_ALGORITHM = "HS256"
_REQUIRED = ["sub", "jti", "type", "iat", "exp"]
_MAX_LENGTH = 8192
_MAX_LIFETIME_SECONDS = 2 * 366 * 24 * 60 * 60
"""Two years. Imbi issues no access token with a longer lifetime."""
LEEWAY_SECONDS = 5
"""How far the clock of Imbi may differ from this one."""
_CLIENT_CREDENTIALS = "client_credentials"


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of an access token that the service uses."""

    subject: str
    token_id: str
    expires_at: float
    """Seconds since the epoch."""
    is_service_account: bool


def verify(token: str, secrets: tuple[str, ...]) -> Claims:
    """Check a token's signature, times and claims, and return its claims. One of the secrets must have signed it.

    HS256 (RFC 7518, section 3.2) is the only algorithm that is accepted.

    Raises:
        Unauthenticated: the token is not a valid access token.
    """
    if len(token) > _MAX_LENGTH:
        raise Unauthenticated
    claims = _decode(token, secrets)
    if not isinstance(claims["exp"], int | float) or claims["exp"] > time.time() + _MAX_LIFETIME_SECONDS:
        raise Unauthenticated
    if claims["type"] != "access" or not (_is_identifier(claims["sub"]) and _is_identifier(claims["jti"])):
        raise Unauthenticated
    return Claims(
        subject=claims["sub"],
        token_id=claims["jti"],
        expires_at=float(claims["exp"]),
        is_service_account=claims.get("auth_method") == _CLIENT_CREDENTIALS,
    )


def _decode(token: str, secrets: tuple[str, ...]) -> dict[str, Any]:
    options: Options = {"require": _REQUIRED, "verify_aud": False}
    for secret in secrets:
        try:
            return jwt.decode(token, secret, algorithms=[_ALGORITHM], options=options, leeway=LEEWAY_SECONDS)
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, ValueError, OverflowError, RecursionError):
            break
    raise Unauthenticated


def _is_identifier(value: object) -> bool:
    """Return whether a claim can be the id of a user, a service account or a token in the database."""
    return isinstance(value, str) and bool(value) and is_storable(value)
