"""From a bearer token to the caller whose it is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from shared.errors import Forbidden, Unauthenticated
from shared.models import Caller

if TYPE_CHECKING:
    from shared.auth.tokens import Claims
    from shared.models import Principal


class Subject(Protocol):
    """What is known of a token's subject."""

    @property
    def principal(self) -> Principal | None:
        """The principal, None where it is unknown or inactive."""
        ...

    @property
    def is_revoked(self) -> bool:
        """Whether the token has been revoked."""
        ...


class Directory(Protocol):
    """Where principals and revoked tokens are looked up."""

    async def find(self, subject: str, token_id: str, *, is_service_account: bool = False) -> Subject:
        """Look up a token's subject."""
        ...


async def identify(token: str, claims: Claims, directory: Directory) -> Caller:
    """Find out whose verified token it is, in one round trip.

    Raises:
        Unauthenticated: the token is revoked, or its subject is unknown or inactive.
        Forbidden: the token is a service account's.
        GraphUnavailable: the directory cannot be reached.
    """
    subject = await directory.find(claims.subject, claims.token_id, is_service_account=claims.is_service_account)
    if subject.is_revoked or subject.principal is None:
        raise Unauthenticated
    if subject.principal.is_service_account:
        raise Forbidden
    return Caller(subject.principal, token, claims.token_id, claims.expires_at)


async def reidentify(caller: Caller, directory: Directory) -> None:
    """See to it that a caller's token is still good, in one round trip.

    Raises:
        Unauthenticated: it has expired or been revoked meanwhile, or its subject has been removed or made inactive.
        GraphUnavailable: the directory cannot be reached.
    """
    if time.time() >= caller.expires_at:
        raise Unauthenticated
    subject = await directory.find(caller.principal.subject, caller.token_id)
    if subject.is_revoked or subject.principal is None:
        raise Unauthenticated
