"""The earlier conversations of a user, for the tools that find and read them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.domain.models import FoundConversation
from shared.domain.search_query import parse_query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.domain.models import Conversation, StoredMessage
    from shared.graph.repositories import Repositories


class StoredConversations:
    """The conversations in the graph, archived ones included."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    async def search(self, email: str, query: str, *, limit: int, offset: int) -> Sequence[FoundConversation]:
        """Return the conversations that match best, the best first; without a query, the newest first.

        A model chooses words that the user may never have written, so one of them is enough. Conversations with more of
        them come first.
        """
        if not query.strip():
            recent = await self._repositories.conversations.recent(
                email, limit=limit, offset=offset, include_archived=True
            )
            return [FoundConversation(conversation, "", 0) for conversation in recent]
        return await self._repositories.search.search(
            email, parse_query(query), limit=limit, offset=offset, include_archived=True, least=1
        )

    async def read(
        self, email: str, conversation_id: UUID, before: int, limit: int
    ) -> tuple[Conversation, Sequence[StoredMessage]]:
        """Return a conversation and the last messages that precede a position, oldest first.

        Raises:
            ConversationNotFound: the user has no such conversation.
        """
        pages = self._repositories.message_pages
        return await asyncio.gather(
            pages.find(conversation_id, email), pages.before(conversation_id, email, before, limit)
        )
