"""The repository of conversations: create, list, read, change and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.errors import ConversationNotFound, Unauthenticated
from shared.graph import approvals, mapping, search
from shared.graph import conversation_statements as statements
from shared.graph.deletions import Deletions
from shared.graph.vertex_changes import changing, stored
from shared.util import clock

if TYPE_CHECKING:
    from uuid import UUID

    from shared.domain.models import Conversation, JsonObject, StoredMessage
    from shared.domain.parked_rounds import ParkedRound
    from shared.graph.connector import Graph, Rows


class Conversations:
    """The conversations of all users. Every method treats a conversation of another user as missing.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._deletions = Deletions(graph)

    async def create(self, conversation: Conversation) -> Conversation:
        """Store a new conversation and return it as stored.

        Raises:
            Unauthenticated: the user no longer exists.
        """
        properties = stored(mapping.conversation_properties(conversation))
        statement = statements.CREATE.bind(user_email=conversation.user_email, properties=properties)
        rows = await self._graph.write(statement)
        if not rows:
            raise Unauthenticated
        return mapping.conversation(rows[0][0])

    async def recent(self, email: str, *, limit: int, offset: int, include_archived: bool) -> list[Conversation]:
        """Return a page of a user's conversations; the one that changed last comes first."""
        statement = statements.LIST_ALL if include_archived else statements.LIST_CURRENT
        [rows] = await self._graph.read(statement.bind(email=email, limit=limit, offset=offset))
        return [mapping.conversation(properties) for (properties,) in rows]

    async def get(self, conversation_id: UUID, email: str) -> tuple[Conversation, list[StoredMessage]]:
        """Return a conversation and its messages, oldest first.

        Raises:
            ConversationNotFound: the user has no such conversation.
        """
        owned = statements.owned_by(email, conversation_id)
        found, messages = await self._graph.read(statements.FIND.bind(**owned), statements.MESSAGES.bind(**owned))
        return only_conversation(found), mapping.messages(messages)

    async def get_with_approval(
        self, conversation_id: UUID, email: str
    ) -> tuple[Conversation, list[StoredMessage], ParkedRound | None]:
        """Return a conversation, its messages, and the newest parked round, in one round trip.

        Raises:
            ConversationNotFound: the user has no such conversation.
        """
        owned = statements.owned_by(email, conversation_id)
        found, messages, parked = await self._graph.read(
            statements.FIND.bind(**owned), statements.MESSAGES.bind(**owned), approvals.latest(conversation_id, email)
        )
        return only_conversation(found), mapping.messages(messages), approvals.read(parked)

    async def require(self, conversation_id: UUID, email: str) -> None:
        """Check that a conversation exists.

        Raises:
            ConversationNotFound: the user has no such conversation.
        """
        [found] = await self._graph.read(statements.FIND.bind(**statements.owned_by(email, conversation_id)))
        only_conversation(found)

    async def update(
        self, conversation_id: UUID, email: str, *, title: str | None = None, is_archived: bool | None = None
    ) -> Conversation:
        """Change the title or the archived state, or both; a value of None leaves it unchanged.

        Raises:
            ConversationNotFound: the user has no such conversation.
        """
        new: JsonObject = {"title": title, "is_archived": is_archived}
        changes = changing({**stored(new), "updated_at": clock.now_text()})
        owned = statements.owned_by(email, conversation_id)
        written = [search.title_written(conversation_id, email, title)] if title is not None else []
        results = await self._graph.transaction(statements.CHANGE.bind(**owned, **changes), *written, check=check_found)
        return only_conversation(results[0])

    async def delete(self, conversation_id: UUID, email: str) -> None:
        """Delete a conversation with its messages and receipts.

        Raises:
            ConversationNotFound: the user has no such conversation.
        """
        await self._deletions.delete(conversation_id, email)

    async def suggest_title(self, conversation_id: UUID, email: str, title: str) -> bool:
        """Set the title unless the conversation has one or has been deleted; return whether it was set."""
        owned = statements.owned_by(email, conversation_id)
        changed, _ = await self._graph.transaction(
            statements.SUGGEST_TITLE.bind(**owned, **changing({"title": title})),
            search.title_written(conversation_id, email, title),
        )
        return bool(changed)


def only_conversation(rows: Rows) -> Conversation:
    """Return the conversation in the only row of a statement's result.

    Raises:
        ConversationNotFound: there is no row.
    """
    if not rows:
        raise ConversationNotFound
    return mapping.conversation(rows[0][0])


def check_found(results: list[Rows]) -> None:
    """Check that the first statement of a transaction found the conversation.

    Raises:
        ConversationNotFound: it found no row.
    """
    if not results[0]:
        raise ConversationNotFound
