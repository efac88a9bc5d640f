"""Conversations and their messages in the graph."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from shared import times
from shared.errors import (
    AnswerRunning,
    ConversationBusy,
    ConversationFull,
    ConversationLost,
    ConversationNotFound,
    GraphConflict,
    KeyReused,
    Unauthenticated,
)
from shared.graph import leases, records
from shared.graph.statements import Cypher, Sql, property_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from pydantic import JsonValue

    from shared.graph.age import Graph, Rows
    from shared.graph.statements import Bound
    from shared.models import Conversation, JsonObject, Message, StoredMessage

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
# The index's order is asked for in full: AGE's equality does not tell the planner that the first column is always the
# same, and without it all of a user's conversations would be sorted to show some.
_LIST = """
    SELECT properties FROM {graph}."Conversation"
     WHERE EMAIL = %(email)s::ag_catalog.agtype AND ARCHIVED
     ORDER BY EMAIL DESC, UPDATED DESC
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
        token_usage: row.token_usage, blocks: row.blocks, is_partial: row.is_partial,
        idempotency_key: row.idempotency_key})
    RETURN properties(message)
""")
SET_OUTCOME = Cypher("""
    MATCH (message:Message) WHERE message.id = $id
    SET message.outcome = $outcome
    RETURN properties(message)
""")
HAS_MESSAGE = Sql(f"""
    SELECT 'true' FROM {{graph}}."Message" WHERE {property_of("id")} = %(id)s::ag_catalog.agtype
""")  # noqa: S608  # values are bound
DELETE_MESSAGES = Cypher("""
    MATCH (message:Message) WHERE message.conversation_id = $id
    DETACH DELETE message
""")
DELETE = Cypher("""
    MATCH (conversation:Conversation) WHERE conversation.id = $id AND conversation.user_email = $email
    DETACH DELETE conversation
""")


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that may go on: the conversation and the messages before the question."""

    conversation: Conversation
    earlier: list[StoredMessage]


@dataclass(frozen=True, slots=True)
class AlreadyAsked:
    """A question that came before with the same key: what was stored for it, and how that ended, if that is known."""

    messages: list[StoredMessage]
    outcome: JsonObject | None


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended, as JSON text, for the question that came with a key."""

    question_id: UUID
    told: str


class _AskedBefore(Exception):
    """No error, but what undoes a transaction."""

    def __init__(self, answer: AlreadyAsked) -> None:
        super().__init__()
        self.answer = answer


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

    async def require(self, conversation_id: UUID, email: str) -> None:
        """See to it that there is such a conversation.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
        """
        [found] = await self._graph.read(FIND.bind(id=str(conversation_id), email=email))
        _only(found)

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
            leases.REVOKE.bind(id=str(conversation_id)),
            DELETE_MESSAGES.bind(id=str(conversation_id)),
            DELETE.bind(**owned),
            check=_check_found,
        )

    async def begin_turn(
        self, conversation_id: UUID, email: str, question: Message, *, holder: UUID, limit: int
    ) -> Begun | AlreadyAsked:
        """Become the conversation's only writer and store a question, unless its key says that it has been asked.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
            ConversationBusy: another answer holds the lease.
            ConversationFull: it holds `limit` questions.
            KeyReused: the question's key came before with other content.
        """

        def check(results: list[Rows]) -> None:
            _check_found(results)
            _, acquired, rows, *_ = results
            earlier = [records.message(properties) for (properties,) in rows]
            _check_new(question, earlier, is_free=bool(acquired))
            if not acquired:
                raise ConversationBusy
            if sum(map(_is_question, earlier)) >= limit:
                raise ConversationFull

        owned: dict[str, JsonValue] = {"id": str(conversation_id), "email": email}
        try:
            found, _, earlier, *_ = await self._graph.transaction(
                LOCK.bind(**owned),
                leases.ACQUIRE.bind(id=str(conversation_id), holder=str(holder)),
                MESSAGES.bind(**owned),
                *_append(owned, [question]),
                check=check,
            )
        except _AskedBefore as asked:
            return asked.answer
        return Begun(_only(found), [records.message(properties) for (properties,) in earlier])

    async def append(self, conversation_id: UUID, email: str, messages: Sequence[Message], *, holder: UUID) -> None:
        """Store messages after those there are, all or none.

        Raises:
            ConversationNotFound: the conversation has been removed meanwhile.
            ConversationLost: the lease is no longer the holder's.
        """
        owned: dict[str, JsonValue] = {"id": str(conversation_id), "email": email}
        held = leases.HOLD.bind(id=str(conversation_id), holder=str(holder))
        await self._graph.transaction(LOCK.bind(**owned), held, *_append(owned, messages), check=_check_held)

    async def finish_turn(
        self, conversation_id: UUID, email: str, messages: Sequence[Message], *, holder: UUID, ending: Ending | None
    ) -> None:
        """Store a turn's last messages, perhaps none, and how it ended, and give the lease back.

        Raises: as append.
        """
        owned: dict[str, JsonValue] = {"id": str(conversation_id), "email": email}
        lease: dict[str, JsonValue] = {"id": str(conversation_id), "holder": str(holder)}
        await self._graph.transaction(
            LOCK.bind(**owned),
            leases.RELEASE.bind(**lease),
            *(_append(owned, messages) if messages else ()),
            *([SET_OUTCOME.bind(id=str(ending.question_id), outcome=ending.told)] if ending else ()),
            check=_check_held,
        )

    async def has_message(self, message_id: UUID) -> bool:
        """Say whether a message is stored, after a storing whose end was not seen."""
        [rows] = await self._graph.read(HAS_MESSAGE.bind(id=str(message_id)))
        return bool(rows)

    async def suggest_title(self, conversation_id: UUID, email: str, title: str) -> bool:
        """Give a conversation a title unless it has one or has been removed; say whether it was given."""
        statement = SUGGEST_TITLE.bind(id=str(conversation_id), email=email, title=title)
        try:
            return bool(await self._graph.write(statement))
        except GraphConflict:
            # The conversation has gone on at the same moment.
            return bool(await self._graph.write(statement))


def _append(owned: dict[str, JsonValue], messages: Sequence[Message]) -> tuple[Bound, Bound]:
    rows: list[JsonValue] = [{**records.message_properties(each), "offset": i} for i, each in enumerate(messages)]
    return APPEND.bind(**owned, rows=rows), TOUCH.bind(**owned, updated_at=times.text_of(times.now()))


def _check_found(results: list[Rows]) -> None:
    if not results[0]:
        raise ConversationNotFound


def _check_held(results: list[Rows]) -> None:
    _check_found(results)
    if not results[1]:
        raise ConversationLost


def _is_question(message: StoredMessage) -> bool:
    return message.role == "user" and not message.tool_results


def _check_new(question: Message, earlier: Sequence[StoredMessage], *, is_free: bool) -> None:
    """See to it that a question with a key has not been asked yet."""
    key = question.idempotency_key
    place = next((i for i, each in enumerate(earlier) if key and each.idempotency_key == key), None)
    if place is None:
        return
    asked = earlier[place]
    if asked.content != question.content:
        raise KeyReused
    if asked.outcome is None and not is_free:
        raise AnswerRunning
    following = takewhile(lambda each: not _is_question(each), earlier[place + 1 :])
    raise _AskedBefore(AlreadyAsked(list(following), asked.outcome))


def _only(rows: Rows) -> Conversation:
    if not rows:
        raise ConversationNotFound
    return records.conversation(rows[0][0])
