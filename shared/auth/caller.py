"""From a bearer token to the caller whose it is."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from shared.auth import tokens
from shared.auth.api_keys import PREFIX, ApiKey, SecretChecker, Uses, read_api_key
from shared.domain.errors import Forbidden, Unauthenticated
from shared.domain.models import Caller

if TYPE_CHECKING:
    from shared.auth.tokens import Claims
    from shared.domain.models import KeyRecord, Principal, Subject


class Directory(Protocol):
    """Where principals, revoked tokens and API keys are looked up."""

    async def find(self, subject: str, token_id: str, *, is_service_account: bool = False) -> Subject:
        """Look up a token's subject."""
        ...

    async def find_key(self, key_id: str) -> KeyRecord | None:
        """Look up an API key with its owner."""
        ...

    async def note_use(self, key: KeyRecord) -> None:
        """Note that a key has been used."""
        ...


class Authenticator:
    """Reads bearer tokens without any I/O, then finds out whose they are in one round trip."""

    def __init__(self, secret: str, directory: Directory) -> None:
        self._secret = secret
        self._directory = directory
        self._checker = SecretChecker()
        self._uses = Uses()

    def read(self, token: str) -> Claims | ApiKey:
        """Check what can be checked of a token on its own.

        Raises:
            Unauthenticated: it is neither a valid access token nor an API key by its form.
        """
        return read_api_key(token) if token.startswith(PREFIX) else tokens.verify(token, self._secret)

    async def identify(self, token: str, credential: Claims | ApiKey) -> Caller:
        """Find out whose token it is.

        Raises:
            Unauthenticated: it is revoked or expired, or its subject is unknown or inactive.
            Forbidden: it is a service account's.
            GraphUnavailable: the directory cannot be reached.
        """
        if isinstance(credential, ApiKey):
            principal = await self._owner(credential)
        else:
            principal = await self._subject(credential)
        if principal.is_service_account:
            raise Forbidden
        return Caller(principal, token)

    async def check(self, caller: Caller) -> Caller:
        """Return a caller with the rights that it has now, if its token is still good.

        Raises:
            Unauthenticated: it has expired or been revoked meanwhile, or its user is gone.
            GraphUnavailable: the directory cannot be reached.
        """
        return await self.identify(caller.token, self.read(caller.token))

    async def _subject(self, claims: Claims) -> Principal:
        found = await self._directory.find(
            claims.subject, claims.token_id, is_service_account=claims.is_service_account
        )
        if found.is_revoked or found.principal is None:
            raise Unauthenticated
        return found.principal

    async def _owner(self, key: ApiKey) -> Principal:
        record = await self._directory.find_key(key.key_id)
        if record is None or record.owner is None or record.is_revoked or time.time() >= record.expires_at:
            raise Unauthenticated
        await self._checker.check(key, record.key_hash)
        if self._uses.is_due(key):
            await self._directory.note_use(record)
        return _narrowed(record.owner, record.scopes)


def _narrowed(owner: Principal, scopes: frozenset[str]) -> Principal:
    """Give the owner with no more permissions than the key's scopes name; no scopes narrow nothing."""
    if not scopes:
        return owner
    permissions = scopes if owner.is_admin else owner.permissions & scopes
    return replace(owner, is_admin=False, permissions=permissions)
