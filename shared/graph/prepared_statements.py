"""Prepared statements under names: which connections may have them.

A prepared statement belongs to a session of PostgreSQL, and saves parsing and planning in each later use. A pooler
between the service and the database may give each transaction another session, in which the name is unknown.
https://www.postgresql.org/docs/current/sql-prepare.html
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from psycopg import errors

if TYPE_CHECKING:
    from psycopg import AsyncConnection

Mode: TypeAlias = Literal["auto", "on", "off"]

LOST_STATEMENT = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
"""The errors of a session that is another one than the statement was prepared in. No such statement has run."""

_FROM_FIRST_USE = 0
_NEVER = None

log = logging.getLogger(__name__)


class PreparedStatements:
    """Decides for each new connection whether its statements are prepared."""

    def __init__(self, mode: Mode = "auto") -> None:
        self._mode = mode

    async def configure(self, connection: AsyncConnection[Any]) -> None:
        """Let a new connection prepare statements: always, never, or (`auto`) if it leads directly to PostgreSQL."""
        prepares = self._mode == "on" or (self._mode == "auto" and await _is_direct(connection))
        connection.prepare_threshold = _FROM_FIRST_USE if prepares else _NEVER

    def stop(self) -> None:
        """Prepare no more statements on new connections, because a session did not know one."""
        if self._mode != "off":
            log.warning("Prepared statements are switched off: a connection pooler changes the session.")
        self._mode = "off"


async def _is_direct(connection: AsyncConnection[Any]) -> bool:
    """Return whether the process that greeted the connection is the one that runs its statements.

    A pooler greets a client itself, with a process id that it makes up for requests to cancel a statement.
    """
    cursor = await connection.execute("SELECT pg_backend_pid()::text", prepare=False)
    row = await cursor.fetchone()
    return row is not None and row[0] == str(connection.info.backend_pid)
