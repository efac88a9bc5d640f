"""The gate that each round of tool calls passes: the caller's rights of the moment, the lease, and the intents."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from shared.domain.errors import ConversationLost
from shared.graph.leases import LIFETIME_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.auth.caller import Directory
    from shared.chat.patience import Patience
    from shared.domain.models import Caller, Lease
    from shared.graph.call_intents import Intent
    from shared.graph.fences import Fences

_MARGIN_SECONDS = 1.0
"""The time before the end of a lease in which it is renewed before a call is sent."""


class Authorize(Protocol):
    """Returns a caller with the rights of the moment."""

    async def __call__(self, caller: Caller, directory: Directory) -> Caller:
        """Ask the directory for the caller.

        Raises:
            Unauthenticated: the caller's token is no longer valid.
            GraphUnavailable: the directory cannot be reached in time.
        """
        ...


class RoundGate:
    """The gate of one answer. It waits for an unavailable database as long as storing does."""

    def __init__(
        self,
        fences: Fences,
        authorize: Authorize,
        lease: Lease,
        patience: Patience,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fences = fences
        self._authorize = authorize
        self._lease = lease
        self._patience = patience
        self._monotonic = monotonic
        self._held_until = float("-inf")

    async def pass_round(self, caller: Caller, intents: Sequence[Intent]) -> Caller:
        """Check the caller, renew the lease and store the intents, in one round trip.

        Raises:
            Unauthenticated: the caller's token is no longer valid.
            ConversationLost: another answer has taken the lease. No intent is stored.
            GraphUnavailable: the database was unavailable for too long.
        """
        return await self._patience.run(lambda _attempt: self._passed(caller, intents))

    async def pass_call(self) -> None:
        """Check that a call may be sent now. The database is asked only if the lease may have expired meanwhile.

        Raises:
            ConversationLost: another answer has taken the lease.
            GraphUnavailable: the database was unavailable for too long.
        """
        # While a process is stopped, its clock goes on. The process may be stopped during the renewal too.
        while self._monotonic() >= self._held_until - _MARGIN_SECONDS:
            await self._patience.run(lambda _attempt: self._renewed())

    async def _passed(self, caller: Caller, intents: Sequence[Intent]) -> Caller:
        asked_at = self._monotonic()
        directory = self._fences.directory(self._lease, intents)
        caller = await self._authorize(caller, directory)
        self._note(asked_at, is_held=directory.is_held)
        return caller

    async def _renewed(self) -> None:
        asked_at = self._monotonic()
        self._note(asked_at, is_held=await self._fences.hold(self._lease))

    def _note(self, asked_at: float, *, is_held: bool) -> None:
        if not is_held:
            raise ConversationLost
        self._held_until = asked_at + LIFETIME_SECONDS
