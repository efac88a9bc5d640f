"""API keys: `ik_<id>_<secret>`, of whose secret only an Argon2 hash is stored."""

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

_LONGEST = 512
_PARTS = 3
_REMEMBERED_SECONDS = 60.0
_NOTED_SECONDS = 60.0
_MOST_REMEMBERED = 1024
_SIDE_BY_SIDE = 2
"""How many hashes are computed at a time: each takes tens of milliseconds of CPU and some 64 MB."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its bearer sent it."""

    key_id: str
    secret: str = field(repr=False)


def read_api_key(token: str) -> ApiKey:
    """Take a key apart.

    Raises:
        Unauthenticated: it has not the form of a key.
    """
    parts = token.split("_", _PARTS - 1)
    if (
        len(token) > _LONGEST
        or len(parts) != _PARTS
        or not all(parts)
        or not token.isascii()
        or not token.isprintable()
    ):
        raise Unauthenticated
    return ApiKey(f"{PREFIX}{parts[1]}", parts[2])


class SecretChecker:
    """Checks keys' secrets off the event loop, and remembers for a minute, by a hash, which were right."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._slots = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._right: OrderedDict[bytes, float] = OrderedDict()

    async def check(self, key: ApiKey, key_hash: str) -> None:
        """See to it that a key's secret is the one that was hashed.

        Raises:
            Unauthenticated: it is not.
        """
        remembered_as = hashlib.sha256(f"{key.secret}\0{key_hash}".encode()).digest()
        if self._right.get(remembered_as, 0.0) > time.monotonic():
            return
        async with self._slots:
            try:
                await asyncio.to_thread(self._hasher.verify, key_hash, key.secret)
            except (Argon2Error, InvalidHashError):
                raise Unauthenticated from None
        self._right[remembered_as] = time.monotonic() + _REMEMBERED_SECONDS
        while len(self._right) > _MOST_REMEMBERED:
            self._right.popitem(last=False)


class Uses:
    """Which keys' use has been noted within the last minute, so that many requests at once write it once."""

    def __init__(self) -> None:
        self._noted: OrderedDict[str, float] = OrderedDict()

    def is_due(self, key: ApiKey) -> bool:
        """Say whether the use of a key is to be noted; who asks is taken to do so."""
        now = time.monotonic()
        if now - self._noted.get(key.key_id, float("-inf")) < _NOTED_SECONDS:
            return False
        self._noted[key.key_id] = now
        while len(self._noted) > _MOST_REMEMBERED:
            self._noted.popitem(last=False)
        return True
