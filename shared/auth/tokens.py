"""Access tokens: a JWT's text to its claims, without any I/O."""

from __future__ import annotations

import time
from dataclasses import dataclass

import jwt

from shared.domain.errors import Unauthenticated

_ALGORITHM = "HS256"
_REQUIRED = ["sub", "jti", "type", "iat", "exp"]
_LONGEST = 8192
_LONGEST_LIFE_SECONDS = 2 * 366 * 24 * 60 * 60
"""An access token that is good for years was not issued by Imbi as it should be."""
_CLIENT_CREDENTIALS = "client_credentials"


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says: whose it is, its own id, and when it ends (seconds since the epoch)."""

    subject: str
    token_id: str
    expires_at: float
    is_service_account: bool


def verify(token: str, secret: str) -> Claims:
    """Check a token's signature, times and claims (RFC 7519) under HS256 and no other algorithm.

    Raises:
        Unauthenticated: the token is not a valid access token.
    """
    if len(token) > _LONGEST:
        raise Unauthenticated
    try:
        claims = jwt.decode(token, secret, algorithms=[_ALGORITHM], options={"require": _REQUIRED, "verify_aud": False})
    except (jwt.InvalidTokenError, ValueError, OverflowError, RecursionError):
        raise Unauthenticated from None
    if not isinstance(claims["exp"], int | float) or claims["exp"] > time.time() + _LONGEST_LIFE_SECONDS:
        raise Unauthenticated
    if claims["type"] != "access" or not (_is_name(claims["sub"]) and _is_name(claims["jti"])):
        raise Unauthenticated
    return Claims(
        subject=claims["sub"],
        token_id=claims["jti"],
        expires_at=float(claims["exp"]),
        is_service_account=claims.get("auth_method") == _CLIENT_CREDENTIALS,
    )


def _is_name(value: object) -> bool:
    """Say whether a claim can name something in the graph, which stores neither NUL nor lone surrogates."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)
