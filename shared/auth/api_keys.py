"""API keys of the form `ik_<id>_<secret>`. Only an Argon2 hash of the secret is stored (RFC 9106)."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from shared.domain.errors import Unauthenticated

PREFIX = "ik_"

_MAX_LENGTH = 512
_PARTS = 3
_CACHE_SECONDS = 60.0
_USE_INTERVAL_SECONDS = 60.0
_MAX_ENTRIES = 1024
_MAX_CONCURRENT_HASHES = 2
"""Each hash takes tens of milliseconds of CPU time and about 64 MB of memory."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The parts of a key that a caller sent."""

    key_id: str
    secret: str = field(repr=False)


def parse(token: str) -> ApiKey:
    """Split a key into its id and its secret.

    Raises:
        Unauthenticated: the token does not have the form of a key.
    """
    parts = token.split("_", _PARTS - 1)
    if (
        len(token) > _MAX_LENGTH
        or len(parts) != _PARTS
        or not all(parts)
        or not token.isascii()
        or not token.isprintable()
    ):
        raise Unauthenticated
    return ApiKey(f"{PREFIX}{parts[1]}", parts[2])


class SecretVerifier:
    """Verifies the secrets of keys in threads, and caches successful verifications for a minute."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT_HASHES)
        self._verified_until: OrderedDict[bytes, float] = OrderedDict()

    async def verify(self, key: ApiKey, key_hash: str) -> None:
        """Check a key's secret against the stored hash.

        Raises:
            Unauthenticated: the secret is wrong, or the hash is malformed.
        """
        # The cache holds a digest instead of the secret itself.
        digest = hashlib.sha256(f"{key.secret}\0{key_hash}".encode()).digest()
        if self._verified_until.get(digest, 0.0) > time.monotonic():
            return
        async with self._slots:
            try:
                await asyncio.to_thread(self._hasher.verify, key_hash, key.secret)
            except (Argon2Error, InvalidHashError, ValueError):
                raise Unauthenticated from None
        self._verified_until[digest] = time.monotonic() + _CACHE_SECONDS
        _drop_oldest(self._verified_until)


class UseLimiter:
    """Limits how often this process records the use of a key, so that many requests at once cause one write."""

    def __init__(self) -> None:
        self._recorded_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: ApiKey) -> bool:
        """Return whether the caller must record the key's use now; at most once a minute for each key."""
        now = time.monotonic()
        if now - self._recorded_at.get(key.key_id, float("-inf")) < _USE_INTERVAL_SECONDS:
            return False
        self._recorded_at[key.key_id] = now
        _drop_oldest(self._recorded_at)
        return True


def _drop_oldest(entries: OrderedDict[bytes, float] | OrderedDict[str, float]) -> None:
    while len(entries) > _MAX_ENTRIES:
        entries.popitem(last=False)
