"""The running answers of this process: their number, the renewal of their leases, and their interruption."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.agent.outcome import Interruption
from shared.domain.errors import GraphError, LimitReached, TooManyStreams
from shared.domain.events import AnswerFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from shared.agent.answer import Answer
    from shared.domain.models import Lease
    from shared.graph.leases import Leases

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""The longest wait for the end of an interrupted answer."""
_RENEWAL_SECONDS = 1.0
"""The time between two renewals of all leases. A renewal also reads the stop requests of other processes."""

_SHARE = 4
"""One user may have at most this part of the places of a process: a quarter."""
_TOO_MANY = "Too many of your answers are running at the same time. Please wait until one has ended."
_RETRY_SECONDS = 5


class ActiveAnswers:
    """All running answers of this process, by conversation."""

    def __init__(self, leases: Leases, limit: int) -> None:
        self._leases = leases
        self._limit = limit
        self._share = -(-limit // _SHARE)
        self._starting: Counter[str] = Counter()
        self._answers: dict[UUID, Answer] = {}
        self._users: dict[UUID, str] = {}
        self._to_release: set[Lease] = set()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """The number of running answers."""
        return len(self._answers)

    @contextmanager
    def reserved_place(self, user: str, conversation_id: UUID) -> Iterator[None]:
        """Reserve a place for a user's answer that is being started.

        Raises:
            TooManyStreams: this process already runs the maximum number of answers.
            LimitReached: the user has a fair share of the places already.
        """
        if len(self._answers) + self._starting.total() >= self._limit:
            raise TooManyStreams
        others = sum(each == user for key, each in self._users.items() if key != conversation_id)
        if others + self._starting[user] >= self._share:
            raise LimitReached(_TOO_MANY, _RETRY_SECONDS)
        self._starting[user] += 1
        try:
            yield
        finally:
            self._starting -= Counter({user: 1})

    def add(self, answer: Answer, user: str) -> None:
        """Add a user's answer and renew its lease until it is removed."""
        self._answers[answer.lease.conversation_id] = answer
        self._users[answer.lease.conversation_id] = user
        self._start_keeper()

    def remove(self, answer: Answer) -> None:
        """Remove an answer that has ended."""
        conversation_id = answer.lease.conversation_id
        if self._answers.get(conversation_id) is answer:
            del self._answers[conversation_id]
            del self._users[conversation_id]
        if isinstance(answer.outcome, AnswerFailed):
            # The lease is still held if the database was unavailable.
            self.release_later(answer.lease)

    def release_later(self, lease: Lease) -> None:
        """Release a lease as soon as the database is available. The lease may never have been acquired."""
        self._to_release.add(lease)
        self._start_keeper()

    async def stop(self, conversation_id: UUID, seconds: float = STOP_SECONDS) -> bool:
        """End this process's answer to a conversation; return whether there was one and it ended in time."""
        answer = self._answers.get(conversation_id)
        if answer is None:
            return False
        answer.interrupt(Interruption.STOPPED)
        try:
            async with asyncio.timeout(seconds):
                await answer.ended.wait()
        except TimeoutError:
            return False
        return True

    async def shut_down(self, seconds: float) -> None:
        """End every answer with an error and wait until all are stored, for at most `seconds`."""
        answers = list(self._answers.values())
        waiting = [asyncio.create_task(answer.ended.wait()) for answer in answers]
        for answer in answers:
            answer.interrupt(Interruption.SHUTDOWN)
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
        for each in waiting:
            each.cancel()

    async def aclose(self) -> None:
        """Stop the renewal of leases."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})

    def _start_keeper(self) -> None:
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep_leases())

    async def _keep_leases(self) -> None:
        while self._answers or self._to_release:
            try:
                await self._release()
                await self._renew()
            except GraphError as error:
                # A lease lasts for several renewal intervals. If it expires anyway, it is renewed later or was taken.
                log.warning("leases could not be renewed: %s", type(error).__name__)
            await asyncio.sleep(_RENEWAL_SECONDS)

    async def _renew(self) -> None:
        answers = list(self._answers.values())
        if not answers:
            return
        renewed = await self._leases.renew(answer.lease for answer in answers)
        for answer in answers:
            conversation_id = answer.lease.conversation_id
            if conversation_id not in renewed:
                answer.interrupt(Interruption.LOST)
            elif renewed[conversation_id]:
                answer.interrupt(Interruption.STOPPED)

    async def _release(self) -> None:
        for lease in list(self._to_release):
            await self._leases.release(lease)
            self._to_release.discard(lease)
