"""Conversations as an earlier version wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from tests.support.database import Database

TIME = "2025-03-04T05:06:07.890123+00:00"


class Writer:
    """Writes conversations straight into the graph."""

    def __init__(self, database: Database, email: str) -> None:
        self.database = database
        self.email = email

    async def write(self, *messages: dict[str, Any], **properties: Any) -> str:
        """Write a conversation; properties that are Ellipsis are left out."""
        conversation: dict[str, Any] = {
            "id": str(uuid4()),
            "user_email": self.email,
            "title": "Old",
            "created_at": TIME,
            "updated_at": TIME,
            "model": "claude-sonnet-4-6",
            "is_archived": False,
        } | properties
        names = ", ".join(f"{name}: ${name}" for name in conversation if conversation[name] is not ...)
        values = {name: value for name, value in conversation.items() if value is not ...}
        await self.database.cypher(
            "MATCH (u:User) WHERE u.email = $email"
            f" CREATE (u)-[:HAS_CONVERSATION]->(c:Conversation {{{names}}}) RETURN 1",
            email=self.email,
            **values,
        )
        for sequence, message in enumerate(messages):
            await self._write_message(str(conversation["id"]), {"sequence": sequence} | message)
        return str(conversation["id"])

    async def _write_message(self, conversation: str, message: dict[str, Any]) -> None:
        row = {"id": str(uuid4()), "conversation_id": conversation, "created_at": TIME} | message
        row = {name: value for name, value in row.items() if value is not ...}
        names = ", ".join(f"{name}: ${name}" for name in row)
        await self.database.cypher(
            "MATCH (c:Conversation) WHERE c.id = $conversation"
            f" CREATE (c)-[:CONTAINS]->(m:Message {{{names}}}) RETURN 1",
            conversation=conversation,
            **row,
        )
