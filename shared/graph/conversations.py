"""Conversations of the graph: creating, listing, reading, changing and deleting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.errors import ConversationNotFound, GraphConflict, Unauthenticated
from shared.graph import conversation_statements as statements
from shared.graph import leases, mapping
from shared.util import clock

if TYPE_CHECKING:
    from uuid import UUID

    from pydantic import JsonValue

    from shared.domain.models import Conversation, StoredMessage
    from shared.graph.connector import Graph, Rows


class Conversations:
    """The conversations of one user at a time; every method treats those of other users as missing."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def create(self, conversation: Conversation) -> Conversation:
        """Store a new conversation.

        Raises:
            Unauthenticated: its user has been removed meanwhile.
            GraphUnavailable: the database cannot be reached.
        """
        rows = await self._graph.write(statements.CREATE.bind(**mapping.conversation_properties(conversation)))
        if not rows:
            raise Unauthenticated
        return mapping.conversation(rows[0][0])

    async def recent(self, email: str, *, limit: int, offset: int, include_archived: bool) -> list[Conversation]:
        """List a user's conversations, newest change first."""
        statement = statements.LIST_ALL if include_archived else statements.LIST_CURRENT
        [rows] = await self._graph.read(statement.bind(email=email, limit=limit, offset=offset))
        return [mapping.conversation(properties) for (properties,) in rows]

    async def get(self, conversation_id: UUID, email: str) -> tuple[Conversation, list[StoredMessage]]:
        """Read a conversation and its messages, oldest first.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
        """
        owned = {"id": str(conversation_id), "email": email}
        found, messages = await self._graph.read(statements.FIND.bind(**owned), statements.MESSAGES.bind(**owned))
        return only_conversation(found), [mapping.message(properties) for (properties,) in messages]

    async def require(self, conversation_id: UUID, email: str) -> None:
        """Check that a conversation exists.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
        """
        [found] = await self._graph.read(statements.FIND.bind(id=str(conversation_id), email=email))
        only_conversation(found)

    async def update(
        self, conversation_id: UUID, email: str, *, title: str | None = None, is_archived: bool | None = None
    ) -> Conversation:
        """Change what is given and leave the rest.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
        """
        owned: dict[str, JsonValue] = {"id": str(conversation_id), "email": email}
        changes = [
            *([statements.SET_TITLE.bind(**owned, title=title)] if title is not None else []),
            *([statements.SET_ARCHIVED.bind(**owned, is_archived=is_archived)] if is_archived is not None else []),
            statements.TOUCH.bind(**owned, updated_at=clock.text_of(clock.now())),
        ]
        results = await self._graph.transaction(statements.LOCK.bind(**owned), *changes, check=check_found)
        return only_conversation(results[-1])

    async def delete(self, conversation_id: UUID, email: str) -> None:
        """Remove a conversation and its messages.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
        """
        owned: dict[str, JsonValue] = {"id": str(conversation_id), "email": email}
        await self._graph.transaction(
            statements.LOCK.bind(**owned),
            leases.REVOKE.bind(id=str(conversation_id)),
            statements.DELETE_MESSAGES.bind(id=str(conversation_id)),
            statements.DELETE.bind(**owned),
            check=check_found,
        )

    async def suggest_title(self, conversation_id: UUID, email: str, title: str) -> bool:
        """Set the title unless the conversation has one or has been removed; return whether it was set."""
        statement = statements.SUGGEST_TITLE.bind(id=str(conversation_id), email=email, title=title)
        try:
            return bool(await self._graph.write(statement))
        except GraphConflict:
            # Another writer changed the conversation at the same moment.
            return bool(await self._graph.write(statement))


def only_conversation(rows: Rows) -> Conversation:
    """Return the conversation of a statement's only row.

    Raises:
        ConversationNotFound: there is no row.
    """
    if not rows:
        raise ConversationNotFound
    return mapping.conversation(rows[0][0])


def check_found(results: list[Rows]) -> None:
    """Check that the first statement of a transaction found the conversation.

    Raises:
        ConversationNotFound: it did not.
    """
    if not results[0]:
        raise ConversationNotFound
