"""The messages of a conversation in pages, for readers that do not hold a whole conversation in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.graph import mapping
from shared.graph.conversation_statements import FIND, owned_by
from shared.graph.conversations import only_conversation
from shared.graph.leases import RUNNING
from shared.graph.statements import Sql, agtype_parameter, equals, is_not_true, property_of

if TYPE_CHECKING:
    from uuid import UUID

    from shared.domain.models import Conversation, StoredMessage
    from shared.graph.connector import Graph


def _page(condition: str, direction: str) -> Sql:
    # ORDER BY names both columns of the index, because AGE's equality does not tell the planner that the first one is
    # constant.
    return Sql(f"""
        SELECT properties FROM {{graph}}."Message"
         WHERE {equals("conversation_id", "id")}
           AND {property_of("sequence")} OPERATOR(ag_catalog.{condition}) {agtype_parameter("sequence")}
           AND {is_not_true("is_superseded")}
           AND EXISTS (SELECT 1 FROM {{graph}}."Conversation"
                        WHERE {equals("id")} AND {equals("user_email", "email")})
         ORDER BY {property_of("conversation_id")} {direction}, {property_of("sequence")} {direction}
         LIMIT (%(limit)s)::text::bigint
    """)  # noqa: S608  # values are bound


AFTER = _page(">", "ASC")
BEFORE = _page("<", "DESC")
AROUND = Sql(f"""
    SELECT properties FROM {{graph}}."Message"
     WHERE {property_of("conversation_id")} OPERATOR(ag_catalog.=)
           (SELECT {property_of("conversation_id")} FROM {{graph}}."Message" WHERE {equals("id")} LIMIT 1)
     ORDER BY {property_of("conversation_id")}, {property_of("sequence")}
""")  # noqa: S608  # values are bound
"""The messages of any user's conversation, with superseded ones: for operators, whose role reads the table itself."""


class MessagePages:
    """The messages of all conversations. Superseded messages are left out.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def around(self, message_id: UUID) -> list[StoredMessage]:
        """Return all messages of the conversation, of any user, that has a message; for the operator's commands."""
        [rows] = await self._graph.read(AROUND.bind(id=str(message_id)))
        return mapping.messages(rows)

    async def find(self, conversation_id: UUID, email: str) -> Conversation:
        """Return a conversation without its messages.

        Raises:
            ConversationNotFound: the user has no such conversation.
        """
        found, running = await self._graph.read(
            FIND.bind(**owned_by(email, conversation_id)), RUNNING.bind(ids=[str(conversation_id)])
        )
        return replace(only_conversation(found), is_answering=bool(running))

    async def after(self, conversation_id: UUID, email: str, sequence: int, limit: int) -> list[StoredMessage]:
        """Return the messages that follow a sequence number (-1 for the first page), oldest first."""
        owned = owned_by(email, conversation_id)
        [rows] = await self._graph.read(AFTER.bind(**owned, sequence=sequence, limit=limit))
        return mapping.messages(rows)

    async def before(self, conversation_id: UUID, email: str, sequence: int, limit: int) -> list[StoredMessage]:
        """Return the messages that precede a sequence number, oldest first."""
        owned = owned_by(email, conversation_id)
        [rows] = await self._graph.read(BEFORE.bind(**owned, sequence=sequence, limit=limit))
        return mapping.messages(rows)[::-1]
