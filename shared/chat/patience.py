"""The patience of a running answer with a database that is unavailable for some seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import chain, repeat
from typing import TYPE_CHECKING, TypeVar

from shared.domain.errors import GraphUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

log = logging.getLogger(__name__)

_RETRY_SECONDS = 8.0
"""The time for which work is tried again. The lease may end meanwhile; storing then fails if it was taken."""
_PAUSES_SECONDS = (0.2, 0.5, 1.0)
"""The pauses between the attempts; the last one is repeated."""


class Patience:
    """Tries work again while the database is unavailable. After it has given up once, it fails at once."""

    def __init__(self) -> None:
        self._has_given_up = False

    async def run(self, work: Callable[[int], Awaitable[T]]) -> T:
        """Do the work, which gets the number of the attempts before.

        Raises:
            GraphUnavailable: the database was unavailable for too long.
        """
        if self._has_given_up:
            raise GraphUnavailable
        ends_at = time.monotonic() + _RETRY_SECONDS
        for attempt, pause in enumerate(chain(_PAUSES_SECONDS, repeat(_PAUSES_SECONDS[-1]))):
            try:
                return await work(attempt)
            except GraphUnavailable:
                if time.monotonic() + pause > ends_at:
                    self._has_given_up = True
                    raise
                log.warning("the database is unavailable; the work is tried again in %s s", pause)
            await asyncio.sleep(pause)
        raise AssertionError("the pauses never end")
