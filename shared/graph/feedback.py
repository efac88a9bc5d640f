"""The users' ratings of answers, in an ordinary table of ours. They are deleted with their conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.errors import AnswerNotFound, ConversationNotFound
from shared.domain.feedback import Feedback, Rating
from shared.graph import conversation_statements
from shared.graph.statements import Sql, equals, property_of, text_parameter
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.graph.connector import Graph, Rows
    from shared.graph.statements import BoundStatement

TABLE = "imbi_assistant_feedback"
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        message_id text PRIMARY KEY,
        conversation_id text NOT NULL,
        user_email text NOT NULL,
        model text NOT NULL,
        rating smallint NOT NULL,
        comment text NOT NULL,
        updated_at timestamptz NOT NULL
    )""",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_conversation ON {{graph}}.{TABLE} (conversation_id)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_updated ON {{graph}}.{TABLE} (updated_at, message_id)",
)

_ID = text_parameter("id")
_MESSAGE = text_parameter("message_id")
# PostgreSQL gives a parameter one type, so a value that is compared with a property and stored as a text has two names.
_IS_ANSWER = f"""{equals("id", "message")} AND {equals("conversation_id", "conversation")}
       AND {property_of("role")} OPERATOR(ag_catalog.=) '"assistant"'::ag_catalog.agtype"""
_MODEL = f"""coalesce((SELECT textin(ag_catalog.agtype_out({property_of("model")}))::jsonb #>> '{{}}'
                         FROM {{graph}}."Conversation" WHERE {equals("id", "conversation")}), '')"""  # noqa: S608  # constants
_AT = "to_jsonb(to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"'))"

STORE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} (message_id, conversation_id, user_email, model, rating, comment, updated_at)
    SELECT {_MESSAGE}, {_ID}, {text_parameter("email")}, {_MODEL}, {text_parameter("rating")}::smallint,
           {text_parameter("comment")}, clock_timestamp()
      FROM {{graph}}."Message" WHERE {_IS_ANSWER}
    ON CONFLICT (message_id) DO UPDATE
       SET rating = excluded.rating, comment = excluded.comment, updated_at = excluded.updated_at
    RETURNING 'true'
""")  # noqa: S608  # values are bound
FIND_ANSWER = Sql(f"""SELECT 'true' FROM {{graph}}."Message" WHERE {_IS_ANSWER}""")  # noqa: S608  # values are bound
WITHDRAW = Sql(f"""
    DELETE FROM {{graph}}.{TABLE} WHERE message_id = {_MESSAGE} AND conversation_id = {_ID} RETURNING 'true'
""")  # noqa: S608  # values are bound
OF_CONVERSATION = Sql(f"""
    SELECT to_jsonb(message_id)::text, rating::text, to_jsonb(comment)::text, {_AT}::text FROM {{graph}}.{TABLE}
     WHERE conversation_id = {_ID} AND user_email = {text_parameter("email")}
""")  # noqa: S608  # values are bound
DELETE_OF_CONVERSATION = Sql(f"""
    DELETE FROM {{graph}}.{TABLE} WHERE conversation_id = {_ID} RETURNING 'true'
""")  # noqa: S608  # values are bound


@dataclass(frozen=True, slots=True)
class AnswerId:
    """The ids of an answer and of its conversation."""

    conversation_id: UUID
    message_id: UUID

    def as_texts(self) -> dict[str, JsonValue]:
        """Return the parameters for columns of our table."""
        return {"id": str(self.conversation_id), "message_id": str(self.message_id)}

    def as_properties(self) -> dict[str, JsonValue]:
        """Return the parameters for properties of vertices."""
        return {"conversation": str(self.conversation_id), "message": str(self.message_id)}


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a rating in the list, which begins with the newest."""

    updated_at: datetime
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackFilter:
    """Which ratings are wanted; None leaves a filter out."""

    user: str | None = None
    model: str | None = None
    rating: Rating | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: Place | None = None
    """Only ratings behind this one in the list."""


class FeedbackTable:
    """The ratings of all users. Every method treats a conversation of another user as missing.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def store(self, answer: AnswerId, email: str, rating: Rating, comment: str = "") -> None:
        """Store the rating of an answer; it replaces an earlier one.

        Raises:
            ConversationNotFound: the user has no such conversation.
            AnswerNotFound: the conversation has no such answer.
        """
        values = {**answer.as_texts(), **answer.as_properties()}
        await self._change(answer, email, STORE.bind(**values, email=email, rating=rating, comment=comment))

    async def withdraw(self, answer: AnswerId, email: str) -> None:
        """Delete the rating of an answer, if there is one.

        Raises: as store.
        """
        find = FIND_ANSWER.bind(**answer.as_properties())
        await self._change(answer, email, find, [WITHDRAW.bind(**answer.as_texts())])

    async def of_conversation(self, conversation_id: UUID, email: str) -> dict[str, Feedback]:
        """Return the ratings of a conversation by the ids of their messages."""
        [rows] = await self._graph.read(found(conversation_id, email))
        return read(rows)

    async def page(self, wanted: FeedbackFilter, limit: int) -> list[JsonObject]:
        """Return the newest ratings that the filter allows."""
        [rows] = await self._graph.read(_page(wanted, limit))
        return [row for [row] in rows if isinstance(row, dict)]

    async def _change(
        self, answer: AnswerId, email: str, statement: BoundStatement, then: Sequence[BoundStatement] = ()
    ) -> None:
        # The lock keeps the conversation from being deleted meanwhile, which would leave the rating behind.
        owned = conversation_statements.owned_by(email, answer.conversation_id)
        lock = conversation_statements.LOCK.bind(**owned)
        await self._graph.transaction(lock, statement, check=_check, last=lambda _results: then)


def found(conversation_id: UUID, email: str) -> BoundStatement:
    """Return the statement that finds the ratings of a conversation."""
    return OF_CONVERSATION.bind(id=str(conversation_id), email=email)


def read(rows: Rows) -> dict[str, Feedback]:
    """Return the ratings that `found` has found, by the ids of their messages."""
    return {
        str(message_id): Feedback(1 if rating == 1 else -1, str(comment), clock.parse(str(updated_at)))
        for message_id, rating, comment, updated_at in rows
    }


def _check(results: list[Rows]) -> None:
    if not results[0]:
        raise ConversationNotFound
    if not results[1]:
        raise AnswerNotFound


def _page(wanted: FeedbackFilter, limit: int) -> BoundStatement:
    conditions = ["true"]
    values: dict[str, JsonValue] = {"limit": limit}
    for name, column, kind in (("user", "user_email", "text"), ("model", "model", "text"), ("rating", "rating", "int")):
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(f"{column} = {text_parameter(name)}::{kind}")
            values[name] = value
    for name, operator in (("since", ">="), ("until", "<")):
        time = getattr(wanted, name)
        if time is not None:
            conditions.append(f"updated_at {operator} {text_parameter(name)}::timestamptz")
            values[name] = clock.to_text(time)
    if wanted.before is not None:
        conditions.append(f"(updated_at, message_id) < ({text_parameter('at')}::timestamptz, {_MESSAGE})")
        values |= {"at": clock.to_text(wanted.before.updated_at), "message_id": wanted.before.message_id}
    return Sql(f"""
        SELECT jsonb_build_object('updated_at', {_AT}, 'user', user_email, 'conversation_id', conversation_id,
                                  'message_id', message_id, 'model', model, 'rating', rating, 'comment', comment)::text
          FROM {{graph}}.{TABLE} WHERE {" AND ".join(conditions)}
         ORDER BY updated_at DESC, message_id DESC LIMIT (%(limit)s)::text::bigint
    """).bind(**values)  # noqa: S608  # the columns are constants, values are bound
