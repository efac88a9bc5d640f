"""Prepared statements under names: which connections may have them.

A prepared statement belongs to a session of PostgreSQL, and saves parsing and planning in each later use. A pooler
between the service and the database may give each transaction another session, in which the name is unknown.
https://www.postgresql.org/docs/current/sql-prepare.html
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

from psycopg import errors

if TYPE_CHECKING:
    from psycopg import AsyncConnection

Mode: TypeAlias = Literal["auto", "on", "off"]

LOST_STATEMENT = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
"""The errors of a session that is another one than the statement was prepared in. No such statement has run."""

_MOST_NAMES = 200
"""The statements that a connection prepares; there are fewer than this in the code."""

log = logging.getLogger(__name__)


class Names:
    """The names of one connection's prepared statements."""

    def __init__(self) -> None:
        self._names: dict[bytes, bytes] = {}
        self._given = 0

    def take(self, text: bytes) -> tuple[bytes, bool]:
        """Return the name of a statement, and whether it is new; the name is empty if there are enough of them."""
        if text in self._names:
            return self._names[text], False
        if len(self._names) >= _MOST_NAMES:
            return b"", False
        self._given += 1
        self._names[text] = b"imbi_%d" % self._given
        return self._names[text], True

    def forget(self, text: bytes) -> None:
        """Forget a statement that the session may not have accepted. Its name is not given again."""
        self._names.pop(text, None)


class PreparedStatements:
    """Decides for each new connection whether its statements are prepared."""

    def __init__(self, mode: Mode = "auto") -> None:
        self._mode = mode
        self._names: WeakKeyDictionary[AsyncConnection[Any], Names] = WeakKeyDictionary()

    async def configure(self, connection: AsyncConnection[Any]) -> None:
        """Let a new connection prepare statements: always, never, or (`auto`) if it leads directly to PostgreSQL."""
        if self._mode == "on" or (self._mode == "auto" and await _is_direct(connection)):
            self._names[connection] = Names()

    def names_of(self, connection: AsyncConnection[Any]) -> Names | None:
        """Return the names of a connection's statements; None if it prepares none."""
        return self._names.get(connection)

    def stop(self) -> None:
        """Prepare no more statements on any connection, because a session did not know one."""
        if self._mode != "off":
            log.warning("Prepared statements are switched off: a connection pooler changes the session.")
        self._mode = "off"
        self._names.clear()


async def _is_direct(connection: AsyncConnection[Any]) -> bool:
    """Return whether the process that greeted the connection is the one that runs its statements.

    A pooler greets a client itself, with a process id that it makes up for requests to cancel a statement.
    """
    cursor = await connection.execute("SELECT pg_backend_pid()::text", prepare=False)
    row = await cursor.fetchone()
    return row is not None and row[0] == str(connection.info.backend_pid)
