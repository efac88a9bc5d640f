"""The deletion of conversations, in steps whose length does not depend on the number of messages.

The first transaction takes the conversation from its owner and deletes the rows of our tables. Later statements delete
the messages in batches, so no lock is held for long, and at last the conversation itself.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shared.domain.errors import ConversationNotFound, GraphError
from shared.graph import deletion_statements as statements
from shared.graph import tables
from shared.graph.vertex_changes import changing
from shared.util import clock

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from pydantic import JsonValue

    from shared.graph.connector import Graph, Rows
    from shared.graph.statements import BoundStatement

MESSAGES_PER_BATCH = 500
_CONTINUED = 10
"""The most interrupted deletions that one deletion continues."""

log = logging.getLogger(__name__)


class Deletions:
    """The deletion of conversations."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def delete(self, conversation_id: UUID, email: str) -> None:
        """Delete a conversation of a user with all that belongs to it.

        If the database fails after the conversation has been taken from its owner, a later deletion removes the rest.

        Raises:
            ConversationNotFound: the user has no such conversation.
            GraphUnavailable: the database cannot be reached in time.
        """
        begin = statements.BEGIN.bind(**_deleted(), id=str(conversation_id), email=email)
        if not await self._begin(begin, str(conversation_id)):
            raise ConversationNotFound
        try:
            await self._remove(str(conversation_id))
            await self.resume(_CONTINUED)
        except GraphError as error:
            log.warning("a deletion was interrupted; a later one removes the rest: %s", type(error).__name__)

    async def delete_idle(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` conversations of all users that have not changed since a time; return their number.

        Raises:
            GraphUnavailable: the database cannot be reached in time; the deletion can be repeated.
        """
        moment = clock.to_text(before)
        [found] = await self._graph.read(statements.FIND_IDLE.bind(before=moment, limit=limit))
        count = 0
        for conversation_id in _ids(found):
            begin = statements.BEGIN_IF_IDLE.bind(**_deleted(), id=conversation_id, before=moment)
            if await self._begin(begin, conversation_id):
                await self._remove(conversation_id)
                count += 1
        return count

    async def delete_of(self, email: str, limit: int) -> int:
        """Delete at most `limit` conversations of a user; return the number of those that were found.

        Raises:
            GraphUnavailable: the database cannot be reached in time; the deletion can be repeated.
        """
        [found] = await self._graph.read(statements.FIND_OF.bind(email=email, limit=limit))
        for conversation_id in _ids(found):
            if await self._begin(statements.BEGIN.bind(**_deleted(), id=conversation_id, email=email), conversation_id):
                await self._remove(conversation_id)
        return len(found)

    async def resume(self, limit: int) -> int:
        """Continue at most `limit` deletions that were interrupted; return their number.

        Raises:
            GraphUnavailable: the database cannot be reached in time.
        """
        [found] = await self._graph.read(statements.FIND_BEGUN.bind(limit=limit))
        for conversation_id in _ids(found):
            await self._remove(conversation_id)
        return len(found)

    async def _begin(self, begin: BoundStatement, conversation_id: str) -> bool:
        """Take a conversation from its owner, with the rows of our tables; return whether it had one."""
        detach = statements.DETACH.bind(id=conversation_id)
        try:
            await self._graph.transaction(begin, detach, *tables.deletions_of(conversation_id), check=_check_begun)
        except _NotBegun:
            return False
        return True

    async def _remove(self, conversation_id: str) -> None:
        batch = statements.DELETE_MESSAGES.bind(id=conversation_id, limit=MESSAGES_PER_BATCH)
        while await self._graph.write(batch) == [(MESSAGES_PER_BATCH,)]:
            pass
        await self._graph.write(statements.DELETE.bind(id=conversation_id))


class _NotBegun(Exception):
    """Raised to roll back; not an error."""


def _check_begun(results: list[Rows]) -> None:
    if not results[0]:
        raise _NotBegun


def _deleted() -> dict[str, JsonValue]:
    return changing({"user_email": None, "deleted_at": clock.now_text()})


def _ids(rows: Rows) -> list[str]:
    return [str(value) for (value,) in rows]
