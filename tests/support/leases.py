"""The leases in the database, and a way to make them expire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.database import Database


SECONDS = 30
"""The bound on the wait for the end of a lease."""


async def expire(database: Database, conversation: str) -> int:
    """Let a conversation's lease have run out minutes ago, as if its process had died; returns how many there were."""
    return await _run(database, "UPDATE {} SET expires_at = now() - interval '2 minutes'", conversation)


async def hold(database: Database, conversation: str) -> None:
    """Take a conversation's lease for a holder that is in no process and never yields."""
    await _run(database, "DELETE FROM {}", conversation)
    async with database.connected() as connection:
        statement = f"INSERT INTO {_table(database)} VALUES (%s, 'nobody', now() + interval '1 hour')"  # noqa: S608  # the test's own graph
        await connection.execute(statement.encode(), (conversation,))


async def give_back(database: Database, conversation: str) -> None:
    """Release a conversation's lease, whoever holds it."""
    await _run(database, "DELETE FROM {}", conversation)


async def run_out(database: Database, conversation: str) -> None:
    """Wait until a conversation's lease has run out by itself."""
    statement = f"SELECT true FROM {_table(database)} WHERE conversation_id = %s AND expires_at > now()"  # noqa: S608  # the test's own graph
    async with asyncio.timeout(SECONDS), database.connected() as connection:
        while await (await connection.execute(statement.encode(), (conversation,))).fetchone():  # noqa: ASYNC110  # the end is in the database
            await asyncio.sleep(0.05)


async def held(database: Database) -> int:
    """Count the leases that have not run out."""
    async with database.connected() as connection:
        statement = f"SELECT count(*)::text FROM {_table(database)} WHERE expires_at > now()"  # noqa: S608  # the test's own graph
        row = await (await connection.execute(statement.encode())).fetchone()
        return int(row[0] or 0) if row else 0


async def _run(database: Database, statement: str, conversation: str) -> int:
    async with database.connected() as connection:
        text = statement.format(_table(database)) + " WHERE conversation_id = %s"
        return (await connection.execute(text.encode(), (conversation,))).rowcount


def _table(database: Database) -> str:
    return f'"{database.graph_name}".imbi_assistant_lease'
