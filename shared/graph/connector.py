"""The connector to PostgreSQL with Apache AGE: a pool of connections, transactions, and the driver's errors."""

from __future__ import annotations

import contextlib
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool

from shared.domain.errors import GraphConflict, GraphError, GraphRefused, GraphUnavailable
from shared.domain.pool_usage import PoolUsage
from shared.graph import agtype, pipeline
from shared.graph.admission import Admission, Priority
from shared.graph.connection_trust import ConnectionTrust
from shared.graph.prepared_statements import LOST_STATEMENT, PreparedStatements
from shared.util.hard_timeout import HardTimeout

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence

    from pydantic import JsonValue

    from shared.graph.prepared_statements import Mode
    from shared.graph.statements import BoundStatement

Rows: TypeAlias = "list[tuple[JsonValue, ...]]"
Connection: TypeAlias = "psycopg.AsyncConnection[tuple[str | None, ...]]"

T = TypeVar("T")

_TIMEOUT_SECONDS = 4.5
"""The limit for one use of the database, without the wait for admission and for this process's own CPU."""
_POOL_SECONDS = 30.0
"""The pool's own limit for a connection. It is never reached, because the limit for one use ends the wait before."""
_CONNECT_SECONDS = 4
_MAX_IDLE_SECONDS = 30.0
"""After a longer time without use, all connections of the pool are replaced before the next use.

A process of AWS Lambda is frozen between invocations, and its connections may be closed meanwhile. The time is measured
with the wall clock, because the monotonic clock may stand still in a frozen process.
"""
_CONFLICTS = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected)
_REASONS = (
    ("authentication failed", "it does not accept the user or the password of POSTGRES_URL"),
    ("no password supplied", "it asks for a password, and POSTGRES_URL has none"),
    ("pg_hba.conf", "its pg_hba.conf does not allow this connection"),
    ("does not exist", "the user or the database of POSTGRES_URL does not exist"),
    ("too many", "it has too many connections"),
    ("resolve", "the name of its host is unknown"),
    ("not known", "the name of its host is unknown"),
    ("refused", "nothing listens at its address"),
    ("timeout", "it does not answer in time"),
)
"""Parts of the driver's messages, and what they mean. The messages themselves may contain the connection string."""
_PERMANENT = frozenset({"authentication failed", "no password supplied", "pg_hba.conf", "does not exist"})
"""The reasons that do not pass by themselves."""


async def connect(dsn: str) -> Connection:
    """Open one connection outside the pool. It has no named prepared statements.

    Raises:
        psycopg.OperationalError: the database cannot be reached.
    """
    return await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, prepare_threshold=None, connect_timeout=_CONNECT_SECONDS
    )


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Connection]:
    """Open one connection outside the pool for some statements, and close it at the end.

    Raises:
        GraphUnavailable: the database cannot be reached.
        GraphError: a statement failed. Both messages are clauses that contain no value and no part of the DSN.
    """
    try:
        async with await connect(dsn) as connection:
            yield connection
    except (psycopg.Error, UnicodeError) as error:
        raise described(error) from error


def described(error: Exception) -> GraphError:
    """Return the error of this service for one of the driver; its text is a clause without any value."""
    if isinstance(error, psycopg.OperationalError):
        text = str(error).lower()
        sign, reason = next((each for each in _REASONS if each[0] in text), ("", "the connection failed"))
        return GraphRefused(reason) if sign in _PERMANENT else GraphUnavailable(reason)
    state = getattr(error, "sqlstate", None)
    if state:
        return GraphError(f"a statement failed with SQLSTATE {state}")
    return GraphRefused("POSTGRES_URL is not a connection string")


class Graph:
    """One graph of a database. Every method but `transaction` takes one round trip.

    No statement relies on the state of a session, so a pooler may give each transaction another session.
    """

    def __init__(self, dsn: str, name: str, *, min_size: int = 1, max_size: int = 10, prepared: Mode = "auto") -> None:
        self.name = name
        self._prepared = PreparedStatements(prepared)
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            timeout=_POOL_SECONDS,
            reconnect_timeout=_TIMEOUT_SECONDS,
            open=False,
            configure=self._configure,
            kwargs={"autocommit": True, "prepare_threshold": None, "connect_timeout": _CONNECT_SECONDS},
        )
        self._timeout = HardTimeout(_TIMEOUT_SECONDS)
        self._admission = Admission(max_size)
        self._trust: ConnectionTrust[Connection] = ConnectionTrust()
        self._last_used = time.time()

    async def open(self) -> None:
        """Open the pool unless it is open; the connections are made in the background."""
        if self._pool.closed:
            await self._pool.open(wait=False)

    def usage(self) -> PoolUsage:
        """Return how the pool is used at this moment."""
        stats = self._pool.get_stats()
        idle = stats["pool_available"]
        return PoolUsage(idle, stats["pool_size"] - idle, self._admission.waiting)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.close(timeout=_TIMEOUT_SECONDS)

    async def read(self, *statements: BoundStatement, priority: Priority = Priority.REQUEST) -> list[Rows]:
        """Run statements that change nothing. If the connection is broken, they run once more on a new one.

        Raises:
            GraphUnavailable: the database cannot be reached in time.
            GraphBusy: too many requests wait for the database. Only work with the priority of requests is refused.
        """
        return await self._run(lambda connection: self._send(connection, statements), priority, attempts=2)

    async def repeatable(self, *statements: BoundStatement, priority: Priority = Priority.REQUEST) -> list[Rows]:
        """Run statements in one transaction that leave the same data when they run twice, as they may.

        Raises: as read.
        """
        return await self.read(*statements, priority=priority)

    async def write(self, statement: BoundStatement, *, priority: Priority = Priority.REQUEST) -> Rows:
        """Run one statement that changes something, in a transaction of its own.

        Raises:
            GraphUnavailable: the database cannot be reached in time; it is unknown whether the change was made.
            GraphConflict: another writer changed the same data.
            GraphBusy: as read.
        """
        [rows] = await self._run(lambda connection: self._send(connection, (statement,)), priority)
        return rows

    async def transaction(
        self,
        *statements: BoundStatement,
        check: Callable[[list[Rows]], None] = lambda _results: None,
        last: Callable[[list[Rows]], Sequence[BoundStatement]] = lambda _results: (),
        priority: Priority = Priority.REQUEST,
    ) -> list[Rows]:
        """Run statements in one transaction, in two round trips: all statements, then the last ones with COMMIT.

        `check` receives the rows of every statement. If it raises an exception, the transaction is rolled back. `last`
        receives them too, and returns the statements to send together with COMMIT; their rows are not returned. A lock
        that they take is held for the database's own work only, and never while this process does something.

        Under READ COMMITTED each statement sees the data that was committed before it began, so a lock must be a
        statement of its own, before the statements that rely on it.
        https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED

        Raises:
            GraphUnavailable: the database cannot be reached in time; it is unknown whether the change was made.
            GraphConflict: another writer changed the same data.
            GraphBusy: as read.
        """
        return await self._run(lambda connection: self._transact(connection, statements, check, last), priority)

    async def _transact(
        self,
        connection: Connection,
        statements: Sequence[BoundStatement],
        check: Callable[[list[Rows]], None],
        last: Callable[[list[Rows]], Sequence[BoundStatement]],
    ) -> list[Rows]:
        try:
            results = await self._send(connection, statements, begin=True)
            check(results)
            await self._exchange(connection, last(results), after=(pipeline.COMMIT,))
        except Exception:
            with contextlib.suppress(psycopg.Error):
                await connection.rollback()
            raise
        return results

    async def _send(
        self, connection: Connection, statements: Sequence[BoundStatement], *, begin: bool = False
    ) -> list[Rows]:
        before = (pipeline.BEGIN,) if begin else ()
        results = await self._exchange(connection, statements, before=before)
        self._trust.note_answer(connection)
        return [
            [tuple(map(agtype.raw if statement.is_raw else agtype.parse, row)) for row in rows]
            for statement, rows in zip(statements, results[len(before) :], strict=True)
        ]

    async def _exchange(
        self,
        connection: Connection,
        statements: Sequence[BoundStatement],
        *,
        before: tuple[pipeline.Command, ...] = (),
        after: tuple[pipeline.Command, ...] = (),
    ) -> list[pipeline.Rows]:
        """Run statements in one round trip, between commands that are never prepared."""
        bound = [pipeline.Command(*each.render(self.name), is_prepared=True) for each in statements]
        return await pipeline.run(connection, [*before, *bound, *after], self._prepared.names_of(connection))

    async def _run(self, work: Callable[[Connection], Awaitable[T]], priority: Priority, attempts: int = 1) -> T:
        """Do the work when it is admitted, within the time limit, and translate the driver's errors."""
        await self._admission.enter(priority)
        try:
            return await self._in_time(self._with_connection(work, attempts))
        except _CONFLICTS as error:
            raise GraphConflict from error
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
            raise GraphUnavailable from error
        except psycopg.Error as error:
            # The message names the class and the SQLSTATE only, because the error's own text may contain values.
            raise GraphError(f"{type(error).__name__} ({error.sqlstate})") from error

    async def _in_time(self, work: Coroutine[None, None, T]) -> T:
        since = self._trust.now()
        try:
            return await self._timeout.run(work, self._leave)
        except TimeoutError:
            self._trust.withdraw(since)
            raise

    def _leave(self, task: asyncio.Task[T]) -> None:
        """Give the place of work back. This is late if the work is cancelled and its connection hangs."""
        error = None if task.cancelled() else task.exception()
        is_lost = isinstance(error, psycopg.Error | TimeoutError) and getattr(error, "sqlstate", None) is None
        self._admission.leave(is_completed=not task.cancelled() and not is_lost)

    async def _with_connection(self, work: Callable[[Connection], Awaitable[T]], attempts: int) -> T:
        await self.open()
        await self._drain_after_idle_time()
        async with self._pool.connection() as connection:
            try:
                if self._trust.has(connection):
                    return await work(connection)
                # The pool replaces a closed connection.
                await connection.close()
                attempts += 1
            except LOST_STATEMENT:
                # Nothing has run, so the work is repeated, whatever it is.
                self._prepared.stop()
                await self._pool.drain()
                attempts += 1
            except psycopg.Error:
                if not connection.closed:
                    raise
                # The other connections of the pool are probably broken too.
                await self._pool.drain()
                if attempts == 1:
                    raise
        return await self._with_connection(work, attempts - 1)

    async def _configure(self, connection: Connection) -> None:
        await self._prepared.configure(connection)
        self._trust.note_answer(connection)

    async def _drain_after_idle_time(self) -> None:
        idle_seconds = abs(time.time() - self._last_used)
        self._last_used = time.time()
        if idle_seconds > _MAX_IDLE_SECONDS:
            await self._pool.drain()
