"""Resolves a bearer token to its caller (RFC 6750)."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from shared.auth import api_keys, tokens
from shared.auth.api_keys import ApiKey
from shared.domain.errors import Forbidden, Unauthenticated
from shared.domain.models import Caller

if TYPE_CHECKING:
    from shared.auth.tokens import Claims
    from shared.domain.models import KeyRecord, Principal, Subject


class Directory(Protocol):
    """The source of principals, revoked tokens and API keys.

    Both `find` methods raise GraphUnavailable if the directory cannot be reached in time.
    """

    async def find(self, subject: str, token_id: str, *, is_service_account: bool = False) -> Subject:
        """Return the subject of an access token."""
        ...

    async def find_key(self, key_id: str) -> KeyRecord | None:
        """Return an API key with its owner, or None if there is no such key."""
        ...

    async def record_use(self, key: KeyRecord) -> None:
        """Store the time of an API key's use."""
        ...


class Authenticator:
    """Checks bearer tokens: first without any I/O, then with one query for the token's subject."""

    def __init__(self, secrets: tuple[str, ...], directory: Directory) -> None:
        """Take the secrets that sign access tokens, and the directory."""
        self._secrets = secrets
        self._directory = directory
        self._verifier = api_keys.SecretVerifier()
        self._use_limiter = api_keys.UseLimiter()

    def read(self, token: str) -> Claims | ApiKey:
        """Check the parts of a token that need no query: its form, signature and times.

        Raises:
            Unauthenticated: the token is neither a valid access token nor a well-formed API key.
        """
        if token.startswith(api_keys.PREFIX):
            return api_keys.parse(token)
        return tokens.verify(token, self._secrets)

    async def identify(self, token: str, credential: Claims | ApiKey, directory: Directory | None = None) -> Caller:
        """Return the caller whose token it is; another directory may be asked than this object's own.

        Raises:
            Unauthenticated: the token is revoked or expired, or its subject is unknown or inactive.
            Forbidden: the subject is a service account.
            GraphUnavailable: the directory cannot be reached in time.
        """
        if isinstance(credential, ApiKey):
            principal = await self._owner(credential, directory or self._directory)
        else:
            principal = await self._subject(credential, directory or self._directory)
        if principal.is_service_account:
            raise Forbidden
        return Caller(principal, token)

    async def check(self, caller: Caller, directory: Directory | None = None) -> Caller:
        """Return a caller with the rights that it has now, if its token is still good.

        Raises: as read and identify.
        """
        checked = await self.identify(caller.token, self.read(caller.token), directory)
        return replace(checked, conversation_id=caller.conversation_id)

    async def _subject(self, claims: Claims, directory: Directory) -> Principal:
        subject = await directory.find(claims.subject, claims.token_id, is_service_account=claims.is_service_account)
        if subject.is_revoked or subject.principal is None:
            raise Unauthenticated
        return subject.principal

    async def _owner(self, key: ApiKey, directory: Directory) -> Principal:
        record = await directory.find_key(key.key_id)
        if record is None or record.owner is None or record.is_revoked or time.time() >= record.expires_at:
            raise Unauthenticated
        await self._verifier.verify(key, record.key_hash)
        if self._use_limiter.take(key):
            await directory.record_use(record)
        return _limited_to_scopes(record.owner, record.scopes)


def _limited_to_scopes(owner: Principal, scopes: frozenset[str]) -> Principal:
    """Return the owner with the permissions that the key's scopes name; a key without scopes has all of them."""
    if not scopes:
        return owner
    permissions = scopes if owner.is_admin else owner.permissions & scopes
    return replace(owner, is_admin=False, permissions=permissions)
