"""The audit's rows in the database, and changes of them that no part of the service makes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.database import Database


async def rows_of(database: Database, conversation: str) -> list[Any]:
    """Return the records of a conversation, in the order of the chain."""
    found = await query(
        database,
        "SELECT record, content FROM {}.imbi_assistant_audit AS row LEFT JOIN {}.imbi_assistant_audit_text AS text"
        " ON text.hash = row.record::jsonb ->> 'texts_hash' WHERE conversation_id = %s ORDER BY day, position",
        conversation,
    )
    return [json.loads(record) | json.loads(content or "{}") for record, content in found]


async def intents_of(database: Database, conversation: str) -> int:
    """Count the calls of a conversation that have no outcome."""
    found = await query(
        database, "SELECT count(*)::text FROM {}.imbi_assistant_call WHERE conversation_id = %s", conversation
    )
    return int(found[0][0])


async def query(database: Database, statement: str, *values: str) -> list[Any]:
    """Run a statement in which `{}` is the graph's schema."""
    async with database.connected() as connection:
        cursor = await connection.execute(statement.replace("{}", f'"{database.graph_name}"').encode(), values)
        return await cursor.fetchall() if cursor.description else []
