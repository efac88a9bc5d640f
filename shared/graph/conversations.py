"""Conversations and their messages in the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import times
from shared.errors import ConversationFull, ConversationNotFound, Unauthenticated
from shared.graph import records
from shared.graph.statements import Cypher, Sql, property_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from pydantic import JsonValue

    from shared.graph.age import Graph, Rows
    from shared.graph.statements import Bound
    from shared.models import Conversation, Message, StoredMessage

_OWNED = f"""{property_of("id")} = %(id)s::ag_catalog.agtype
         AND {property_of("user_email")} = %(email)s::ag_catalog.agtype"""
_NOT_ARCHIVED = f"""{property_of("is_archived")} IS DISTINCT FROM 'true'::ag_catalog.agtype"""

CREATE = Cypher("""
    MATCH (user:User) WHERE user.email = $user_email WITH user LIMIT 1
    CREATE (user)-[:HAS_CONVERSATION]->(conversation:Conversation {
        id: $id, user_email: $user_email, title: $title, created_at: $created_at, updated_at: $updated_at,
        model: $model, is_archived: $is_archived})
    RETURN properties(conversation)
""")
FIND = Sql(f"""SELECT properties FROM {{graph}}."Conversation" WHERE {_OWNED}""")  # noqa: S608  # values are bound
LOCK = Sql(f"""SELECT properties FROM {{graph}}."Conversation" WHERE {_OWNED} FOR UPDATE""")  # noqa: S608  # values are bound
_LIST = """
    SELECT properties FROM {graph}."Conversation"
     WHERE EMAIL = %(email)s::ag_catalog.agtype AND ARCHIVED
     ORDER BY UPDATED DESC
     LIMIT (%(limit)s)::text::bigint OFFSET (%(offset)s)::text::bigint
""".replace("EMAIL", property_of("user_email")).replace("UPDATED", property_of("updated_at"))
LIST_ALL = Sql(_LIST.replace("ARCHIVED", "true"))
LIST_CURRENT = Sql(_LIST.replace("ARCHIVED", _NOT_ARCHIVED))
MESSAGES = Sql(f"""
    SELECT properties FROM {{graph}}."Message"
     WHERE {property_of("conversation_id")} = %(id)s::ag_catalog.agtype
       AND EXISTS (SELECT 1 FROM {{graph}}."Conversation" WHERE {_OWNED})
     ORDER BY {property_of("sequence")}
""")  # noqa: S608  # values are bound
SET_TITLE = Cypher("""
    MATCH (conversation:Conversation) WHERE conversation.id = $id AND conversation.user_email = $email
    SET conversation.title = $title
    RETURN properties(conversation)
""")
SUGGEST_TITLE = Cypher("""
    MATCH (conversation:Conversation) WHERE conversation.id = $id AND conversation.user_email = $email
        AND conversation.title IS NULL
    SET conversation.title = $title
    RETURN properties(conversation)
""")
SET_ARCHIVED = Cypher("""
    MATCH (conversation:Conversation) WHERE conversation.id = $id AND conversation.user_email = $email
    SET conversation.is_archived = $is_archived
    RETURN properties(conversation)
""")
TOUCH = Cypher("""
    MATCH (conversation:Conversation) WHERE conversation.id = $id AND conversation.user_email = $email
    SET conversation.updated_at = $updated_at
    RETURN properties(conversation)
""")
APPEND = Cypher("""
    MATCH (conversation:Conversation) WHERE conversation.id = $id AND conversation.user_email = $email
    OPTIONAL MATCH (earlier:Message) WHERE earlier.conversation_id = $id
    WITH conversation, coalesce(max(earlier.sequence), -1) AS last
    UNWIND $rows AS row
    CREATE (conversation)-[:CONTAINS]->(message:Message {
        id: row.id, conversation_id: $id, role: row.role, content: row.content, tool_use: row.tool_use,
        tool_results: row.tool_results, created_at: row.created_at, sequence: last + 1 + row.offset,
        token_usage: row.token_usage, blocks: row.blocks, is_partial: row.is_partial})
    RETURN properties(message)
""")
DELETE_MESSAGES = Cypher("""
    MATCH (message:Message) WHERE message.conversation_id = $id
    DETACH DELETE message
""")
DELETE = Cypher("""
    MATCH (conversation:Conversation) WHERE conversation.id = $id AND conversation.user_email = $email
    DETACH DELETE conversation
""")


class Conversations:
    """One user's conversations at a time: what is another's does not exist."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def create(self, conversation: Conversation) -> Conversation:
        """Store a new conversation.

        Raises:
            Unauthenticated: its user has been removed meanwhile.
            GraphUnavailable: the database cannot be reached.
        """
        rows = await self._graph.write(CREATE.bind(**records.conversation_properties(conversation)))
        if not rows:
            raise Unauthenticated
        return records.conversation(rows[0][0])

    async def recent(self, email: str, *, limit: int, offset: int, include_archived: bool) -> list[Conversation]:
        """List a user's conversations, newest change first."""
        statement = LIST_ALL if include_archived else LIST_CURRENT
        [rows] = await self._graph.read(statement.bind(email=email, limit=limit, offset=offset))
        return [records.conversation(properties) for (properties,) in rows]

    async def get(self, conversation_id: UUID, email: str) -> tuple[Conversation, list[StoredMessage]]:
        """Read a conversation and its messages, oldest first.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
        """
        owned = {"id": str(conversation_id), "email": email}
        found, messages = await self._graph.read(FIND.bind(**owned), MESSAGES.bind(**owned))
        return _only(found), [records.message(properties) for (properties,) in messages]

    async def update(
        self, conversation_id: UUID, email: str, *, title: str | None = None, is_archived: bool | None = None
    ) -> Conversation:
        """Change what is given and leave the rest.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
        """
        owned: dict[str, JsonValue] = {"id": str(conversation_id), "email": email}
        changes = [
            *([SET_TITLE.bind(**owned, title=title)] if title is not None else []),
            *([SET_ARCHIVED.bind(**owned, is_archived=is_archived)] if is_archived is not None else []),
            TOUCH.bind(**owned, updated_at=times.text_of(times.now())),
        ]
        results = await self._graph.transaction(LOCK.bind(**owned), *changes, check=_check_found)
        return _only(results[-1])

    async def delete(self, conversation_id: UUID, email: str) -> None:
        """Remove a conversation and its messages.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
        """
        owned: dict[str, JsonValue] = {"id": str(conversation_id), "email": email}
        await self._graph.transaction(
            LOCK.bind(**owned),
            DELETE_MESSAGES.bind(id=str(conversation_id)),
            DELETE.bind(**owned),
            check=_check_found,
        )

    async def begin_turn(
        self, conversation_id: UUID, email: str, question: Message, *, limit: int
    ) -> tuple[Conversation, list[StoredMessage]]:
        """Store a question; give the conversation and the messages before it.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
            ConversationFull: it holds `limit` messages.
        """

        def check(results: list[Rows]) -> None:
            _check_found(results)
            if len(results[1]) >= limit:
                raise ConversationFull

        owned: dict[str, JsonValue] = {"id": str(conversation_id), "email": email}
        found, earlier, *_ = await self._graph.transaction(
            LOCK.bind(**owned), MESSAGES.bind(**owned), *_append(owned, [question]), check=check
        )
        return _only(found), [records.message(properties) for (properties,) in earlier]

    async def append(self, conversation_id: UUID, email: str, messages: Sequence[Message]) -> None:
        """Store messages after those there are, all or none.

        Raises:
            ConversationNotFound: the conversation has been removed meanwhile.
        """
        owned: dict[str, JsonValue] = {"id": str(conversation_id), "email": email}
        await self._graph.transaction(LOCK.bind(**owned), *_append(owned, messages), check=_check_found)

    async def suggest_title(self, conversation_id: UUID, email: str, title: str) -> bool:
        """Give a conversation a title unless it has one or has been removed; say whether it was given."""
        return bool(await self._graph.write(SUGGEST_TITLE.bind(id=str(conversation_id), email=email, title=title)))


def _append(owned: dict[str, JsonValue], messages: Sequence[Message]) -> tuple[Bound, Bound]:
    rows: list[JsonValue] = [{**records.message_properties(each), "offset": i} for i, each in enumerate(messages)]
    return APPEND.bind(**owned, rows=rows), TOUCH.bind(**owned, updated_at=times.text_of(times.now()))


def _check_found(results: list[Rows]) -> None:
    if not results[0]:
        raise ConversationNotFound


def _only(rows: Rows) -> Conversation:
    if not rows:
        raise ConversationNotFound
    return records.conversation(rows[0][0])
