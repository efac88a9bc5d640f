"""The answers that this process is giving: how many, their leases' renewal, and how to end them from outside."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.agent.answer import Interruption
from shared.errors import GraphError, TooManyStreams

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from shared.agent.answer import Answer
    from shared.graph.leases import Leases

log = logging.getLogger(__name__)

_RENEWAL_SECONDS = 1.0
"""How often leases are renewed, all in one statement, and so how soon a stop that another process asks for is seen."""


class RunningAnswer:
    """An answer under way, the lease that it holds, and when it is over."""

    def __init__(self, answer: Answer, holder: UUID) -> None:
        self.answer = answer
        self.holder = holder
        self.over = asyncio.Event()


class RunningAnswers:
    """All answers of this process, by conversation."""

    def __init__(self, leases: Leases, limit: int) -> None:
        self._leases = leases
        self._limit = limit
        self._beginning = 0
        self._running: dict[UUID, RunningAnswer] = {}
        self._unsure: dict[UUID, UUID] = {}
        self._keeper: asyncio.Task[None] | None = None

    @contextmanager
    def room(self) -> Iterator[None]:
        """Keep room for one more while it is begun.

        Raises:
            TooManyStreams: there are as many as there may be.
        """
        if len(self._running) + self._beginning >= self._limit:
            raise TooManyStreams
        self._beginning += 1
        try:
            yield
        finally:
            self._beginning -= 1

    def add(self, conversation_id: UUID, running: RunningAnswer) -> None:
        """Take an answer in and keep its lease renewed until it is removed."""
        self._running[conversation_id] = running
        self._start_keeper()

    def remove(self, conversation_id: UUID, running: RunningAnswer) -> None:
        """Forget an answer that is over."""
        running.over.set()
        if self._running.get(conversation_id) is running:
            del self._running[conversation_id]

    def release_later(self, conversation_id: UUID, holder: UUID) -> None:
        """Give back, once the database is there, a lease of which is not known whether it was acquired."""
        self._unsure[holder] = conversation_id
        self._start_keeper()

    async def stop(self, conversation_id: UUID, seconds: float) -> bool:
        """End this process's answer to a conversation and wait for that; says whether there was one and it ended."""
        running = self._running.get(conversation_id)
        if running is None:
            return False
        running.answer.interrupt(Interruption.STOPPED)
        try:
            async with asyncio.timeout(seconds):
                await running.over.wait()
        except TimeoutError:
            return False
        return True

    async def shut_down(self, seconds: float) -> None:
        """End every answer with an error and wait until all are stored, or the time is over."""
        waiting = [asyncio.create_task(running.over.wait()) for running in self._running.values()]
        for running in list(self._running.values()):
            running.answer.interrupt(Interruption.SHUTDOWN)
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
        for each in waiting:
            each.cancel()

    async def aclose(self) -> None:
        """Stop renewing."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})

    def _start_keeper(self) -> None:
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while self._running or self._unsure:
            try:
                await self._release_unsure()
                await self._renew()
            except GraphError as error:
                # The leases last some more renewals; storing will tell whether they were lost.
                log.warning("leases could not be renewed: %s", type(error).__name__)
            await asyncio.sleep(_RENEWAL_SECONDS)

    async def _renew(self) -> None:
        held = dict(self._running)
        if not held:
            return
        renewed = await self._leases.renew({each: running.holder for each, running in held.items()})
        for conversation_id, running in held.items():
            if conversation_id not in renewed:
                running.answer.interrupt(Interruption.LOST)
            elif renewed[conversation_id]:
                running.answer.interrupt(Interruption.STOPPED)

    async def _release_unsure(self) -> None:
        for holder, conversation_id in list(self._unsure.items()):
            await self._leases.release(conversation_id, holder)
            del self._unsure[holder]
