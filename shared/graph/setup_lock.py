"""The lock of the set-up: one process at a time creates what is missing.

The lock belongs to a transaction on a connection of its own, because a pooler may give each transaction another
session, and a lock that belongs to a session would outlive the set-up there. While it is held, the transaction has no
snapshot, so it does not delay concurrent index builds.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg

from shared.graph.connector import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.graph.connector import Connection

_KEY = 0x1B1A  # an arbitrary number for the advisory lock
_MAX_WAIT_SECONDS = 60.0
_RETRY_SECONDS = 0.2


@asynccontextmanager
async def held(dsn: str, connection: Connection) -> AsyncIterator[None]:
    """Hold the lock while `connection` is used; the wait is bounded, and the work is safe without the lock.

    If both connections were greeted by one process, as in the embedded database, they share one session, and the lock
    would block the work. Such a database has one service only and needs no lock.
    """
    async with await connect(dsn) as locking:
        if locking.info.backend_pid == connection.info.backend_pid:
            yield
            return
        await _acquire(locking)
        try:
            yield
        finally:
            with contextlib.suppress(psycopg.Error):  # the server may have ended the idle transaction
                await locking.execute("ROLLBACK")


async def _acquire(locking: Connection) -> None:
    """Try repeatedly: a waiting statement has a snapshot, which would block concurrent index builds."""
    deadline = time.monotonic() + _MAX_WAIT_SECONDS
    while time.monotonic() < deadline:
        await locking.execute("BEGIN")
        row = await (await locking.execute("SELECT pg_try_advisory_xact_lock(%s)::text", (_KEY,))).fetchone()
        if row is not None and row[0] == "true":
            # This also replaces the portal of the SELECT, whose snapshot would block concurrent index builds.
            await locking.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            return
        await locking.execute("ROLLBACK")
        await asyncio.sleep(_RETRY_SECONDS)
