"""One conversation in the graph, as the answer that holds its lease writes to it."""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import chain, repeat
from typing import TYPE_CHECKING

from shared.agent.retelling import told
from shared.errors import ConversationLost, GraphConflict, GraphUnavailable
from shared.graph.conversations import Ending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from shared.agent.events import AnswerFailed, AnswerStored
    from shared.graph.conversations import Conversations
    from shared.models import Conversation, Message

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 8.0
"""How long storing is tried again while the database is away: not as long as the lease lasts."""
_PAUSES_SECONDS = (0.2, 0.5, 1.0)
"""Between the tries; the last one counts for all that follow."""


class ConversationTranscript:
    """The Transcript of an answer; a database that is away for a moment costs nothing that was said."""

    def __init__(
        self, conversations: Conversations, conversation: Conversation, question: Message, holder: UUID
    ) -> None:
        self._conversations = conversations
        self._conversation = conversation
        self._question = question
        self._holder = holder
        self._has_given_up = False

    @property
    def question_id(self) -> UUID:
        """The id of the message that is being answered."""
        return self._question.id

    async def append(self, messages: Sequence[Message]) -> None:
        """Store messages after those there are, all or none."""
        await self._persistently(
            lambda: self._conversations.append(
                self._conversation.id, self._conversation.user_email, messages, holder=self._holder
            ),
            messages,
        )

    async def finish(self, messages: Sequence[Message], outcome: AnswerStored | AnswerFailed) -> None:
        """Store the last messages, perhaps none, with how the answer ended, and leave the conversation to others."""
        ending = Ending(self._question.id, told(outcome)) if self._question.idempotency_key else None
        await self._persistently(
            lambda: self._conversations.finish_turn(
                self._conversation.id,
                self._conversation.user_email,
                messages,
                holder=self._holder,
                ending=ending,
            ),
            messages,
        )

    async def _persistently(self, store: Callable[[], Awaitable[None]], messages: Sequence[Message]) -> None:
        if self._has_given_up:
            raise GraphUnavailable
        ends_at = time.monotonic() + _PATIENCE_SECONDS
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
        """Say whether a try whose end was not seen has stored the messages."""
        return not messages or await self._conversations.has_message(messages[0].id)
