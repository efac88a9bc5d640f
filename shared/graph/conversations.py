"""The repository of conversations: create, list, read, change and delete them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared.domain.errors import ConversationNotFound, Unauthenticated
from shared.domain.paging import Page
from shared.graph import approvals, feedback, leases, mapping, search
from shared.graph import conversation_statements as statements
from shared.graph.deletions import Deletions
from shared.graph.vertex_changes import changing, stored
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from pydantic import JsonValue

    from shared.domain.feedback import Feedback
    from shared.domain.models import Conversation, JsonObject, StoredMessage
    from shared.domain.paging import PageKey
    from shared.domain.parked_rounds import ParkedRound
    from shared.graph.connector import Graph, Rows
    from shared.graph.statements import BoundStatement


@dataclass(frozen=True, slots=True)
class WholeConversation:
    """A conversation with all that is stored of it for its user."""

    conversation: Conversation
    messages: Sequence[StoredMessage]
    """All messages, oldest first."""
    parked: Sequence[ParkedRound] = ()
    """The parked rounds, oldest first."""
    feedback: Mapping[str, Feedback] = field(default_factory=dict)
    """The user's ratings by the ids of their messages."""


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
        """Return a part of a user's conversations; the one that changed last comes first."""
        page = await self.page(email, limit=limit, offset=offset, include_archived=include_archived)
        return page.conversations

    async def page(
        self, email: str, *, limit: int, offset: int, include_archived: bool, before: PageKey | None = None
    ) -> Page:
        """Return a page of a user's conversations, the last changed first, which begins after a key.

        Skipping by `offset` reads what is skipped. A key is found in the index, so every page costs the same.
        """
        values: dict[str, JsonValue] = {"email": email, "limit": limit + 1, "offset": offset}
        if before is not None:
            values |= {"before_updated_at": before.updated_at, "before_id": before.id}
        statement = statements.LISTS[include_archived, before is not None]
        [rows] = await self._graph.read(statement.bind(**values))
        shown = [properties for (properties,) in rows[:limit]]
        conversations = await self.with_answering([mapping.conversation(properties) for properties in shown])
        return Page(conversations, mapping.page_key(shown[-1]) if len(rows) > limit else None)

    async def with_answering(self, conversations: Sequence[Conversation]) -> list[Conversation]:
        """Return conversations with the information whether an answer is running in them."""
        if not conversations:
            return []
        [rows] = await self._graph.read(leases.RUNNING.bind(ids=[str(each.id) for each in conversations]))
        running = {str(conversation_id) for (conversation_id,) in rows}
        return [replace(each, is_answering=str(each.id) in running) for each in conversations]

    async def get(self, conversation_id: UUID, email: str) -> tuple[Conversation, Sequence[StoredMessage]]:
        """Return a conversation and its messages, oldest first.

        Raises:
            ConversationNotFound: the user has no such conversation.
        """
        whole = await self.read(conversation_id, email)
        return whole.conversation, whole.messages

    async def read(self, conversation_id: UUID, email: str) -> WholeConversation:
        """Return a conversation with its messages, its parked rounds and its ratings.

        Raises:
            ConversationNotFound: the user has no such conversation.
        """
        owned = statements.owned_by(email, conversation_id)
        shown = statements.SHOWN_MESSAGES.bind(**owned, conversation=str(conversation_id))
        asked = approvals.of_conversation(conversation_id, email)
        rated = feedback.found(conversation_id, email)
        found, rows, parked, ratings = await self._graph.read(statements.FIND.bind(**owned), shown, asked, rated)
        # Messages and lease come from one statement, so that an answer that has just ended does not seem to be lost.
        is_answering = any(is_answered for _, is_answered in rows)
        conversation = replace(only_conversation(found), is_answering=is_answering)
        messages = mapping.messages((properties,) for properties, _ in rows)
        return WholeConversation(conversation, messages, approvals.read_all(parked), feedback.read(ratings))

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
        final: JsonObject = {"is_title_provisional": None} if title is not None else {}
        changes = changing({**stored(new), **final, "updated_at": clock.now_text()})
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

    async def suggest_title(
        self, conversation_id: UUID, email: str, title: str, also: Sequence[BoundStatement] = ()
    ) -> bool:
        """Set the title unless the conversation has a final one or has been deleted; return whether it was set.

        The statements of `also` run in the same transaction, in any case.
        """
        owned = statements.owned_by(email, conversation_id)
        changed, *_ = await self._graph.transaction(
            statements.SUGGEST_TITLE.bind(**owned, **changing({"title": title, "is_title_provisional": None})),
            search.title_written(conversation_id, email, title),
            *also,
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
