"""The transcript of one answer: its messages in the graph, written as long as the answer holds the lease."""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import chain, repeat
from typing import TYPE_CHECKING

from shared.agent.outcome import encode_outcome
from shared.domain.errors import ConversationLost, GraphConflict, GraphUnavailable
from shared.graph.turns import Ending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from shared.agent.outcome import Outcome
    from shared.domain.models import Lease, Message
    from shared.graph.turns import Turns

log = logging.getLogger(__name__)

_RETRY_SECONDS = 8.0
"""The time for which storing is tried again while the database is away; shorter than a lease lasts."""
_PAUSES_SECONDS = (0.2, 0.5, 1.0)
"""The pauses between the tries; the last one is repeated."""


class ConversationTranscript:
    """A Transcript that survives short outages of the database."""

    def __init__(self, turns: Turns, lease: Lease, email: str, question: Message) -> None:
        self.lease = lease
        self._turns = turns
        self._email = email
        self._question = question
        self._has_given_up = False

    @property
    def question_id(self) -> UUID:
        """The id of the message that is being answered."""
        return self._question.id

    async def append(self, messages: Sequence[Message]) -> None:
        """Store messages behind the others, all or none."""
        await self._with_retries(lambda: self._turns.append(self.lease, self._email, messages), messages)

    async def finish(self, messages: Sequence[Message], outcome: Outcome) -> None:
        """Store the last messages, perhaps none, and the outcome, and give the lease back."""
        ending = Ending(self._question.id, encode_outcome(outcome)) if self._question.idempotency_key else None
        await self._with_retries(lambda: self._turns.finish(self.lease, self._email, messages, ending), messages)

    async def _with_retries(self, store: Callable[[], Awaitable[None]], messages: Sequence[Message]) -> None:
        if self._has_given_up:
            raise GraphUnavailable
        ends_at = time.monotonic() + _RETRY_SECONDS
        for tries, pause in enumerate(chain(_PAUSES_SECONDS, repeat(_PAUSES_SECONDS[-1]))):
            try:
                return await store()
            except GraphUnavailable:
                if time.monotonic() + pause > ends_at:
                    self._has_given_up = True
                    raise
                log.warning("storing is tried again in %s s", pause)
            except (GraphConflict, ConversationLost):
                if not tries or not await self._is_stored(messages):
                    raise
                return None
            await asyncio.sleep(pause)
        return None

    async def _is_stored(self, messages: Sequence[Message]) -> bool:
        """Return whether an earlier try, whose reply was lost, has stored the messages."""
        return not messages or await self._turns.has_message(messages[0].id)
