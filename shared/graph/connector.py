"""The connector to PostgreSQL with Apache AGE: a pool, round trips, and the driver's errors in our terms."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool

from shared.domain.errors import GraphConflict, GraphError, GraphUnavailable
from shared.graph import agtype

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from pydantic import JsonValue

    from shared.graph.statements import Bound

Rows: TypeAlias = "list[tuple[JsonValue, ...]]"
Connection: TypeAlias = "psycopg.AsyncConnection[tuple[str | None, ...]]"

T = TypeVar("T")

_PATIENCE_SECONDS = 4.5
"""How long one use of the database may take in all, so that a request ends within five seconds."""
_CONNECT_SECONDS = 4
_CANCELLING_SECONDS = 1.0
_TRUSTED_IDLE_SECONDS = 30.0
"""After a longer rest, a frozen process's say, the pool's connections are replaced before they are used.

Told by the wall clock: a frozen process's monotonic clock may stand still.
"""
_CONFLICTS = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected)
_AGE_LOST_UPDATE = "Entity failed to be updated"


async def connect(dsn: str) -> Connection:
    """Open one connection outside the pool.

    Named prepared statements are not used, here or in the pool: they collide where connections share a session, in the
    embedded database and behind some poolers.
    """
    return await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, prepare_threshold=None, connect_timeout=_CONNECT_SECONDS
    )


async def prepare_connection(connection: Connection) -> None:
    """Make AGE usable on a new connection.

    `LOAD` needs rights that an application often lacks, and no rights are needed where the server preloads AGE.
    """
    with contextlib.suppress(errors.InsufficientPrivilege, errors.UndefinedFile):
        await connection.execute("LOAD 'age'")
    await connection.execute('SET search_path = ag_catalog, "$user", public')


class Graph:
    """The graph: `read` and `transaction` each send all their statements in one round trip."""

    def __init__(self, dsn: str, name: str, *, min_size: int = 1, max_size: int = 10) -> None:
        self.name = name
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            timeout=_PATIENCE_SECONDS,
            reconnect_timeout=_PATIENCE_SECONDS,
            open=False,
            configure=prepare_connection,
            kwargs={"autocommit": True, "prepare_threshold": None, "connect_timeout": _CONNECT_SECONDS},
        )
        self._last_used = time.time()
        self._abandoned: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Start the pool if nothing has used it yet; connections are made in the background."""
        if self._pool.closed:
            await self._pool.open(wait=False)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.close(timeout=_PATIENCE_SECONDS)

    async def read(self, *statements: Bound) -> list[Rows]:
        """Run statements that change nothing, in one round trip; a connection that turns out dead is replaced once.

        Raises:
            GraphUnavailable: the database cannot be reached in time.
        """

        async def work(connection: Connection) -> list[Rows]:
            return await self._send(connection, statements)

        return await self._attempt(work, tries=2)

    async def write(self, statement: Bound) -> Rows:
        """Run one statement that changes something, in one round trip and a transaction of its own.

        Raises:
            GraphUnavailable: the database cannot be reached in time; whether the change was made is not known.
            GraphConflict: another writer changed the same thing.
        """

        async def work(connection: Connection) -> Rows:
            return (await self._send(connection, (statement,)))[0]

        return await self._attempt(work)

    async def transaction(
        self, *statements: Bound, check: Callable[[list[Rows]], None] = lambda _results: None
    ) -> list[Rows]:
        """Run statements in one transaction and two round trips: all of them, then the end.

        `check` sees every statement's rows before anything is kept; whatever it raises undoes the whole.
        Under READ COMMITTED each statement sees what was there when it began, so a lock comes first, on its own.

        Raises:
            GraphUnavailable: the database cannot be reached in time.
            GraphConflict: another writer changed the same thing.
        """

        async def work(connection: Connection) -> list[Rows]:
            try:
                results = await self._send(connection, statements, begin=True)
                check(results)
            except Exception:
                with contextlib.suppress(psycopg.Error):
                    await connection.rollback()
                raise
            await connection.execute("COMMIT")
            return results

        return await self._attempt(work)

    async def _send(self, connection: Connection, statements: Sequence[Bound], *, begin: bool = False) -> list[Rows]:
        async with connection.pipeline():
            if begin:
                await connection.execute("BEGIN")
            cursors = [await connection.execute(each.rendered(self.name), each.values) for each in statements]
        return [[tuple(map(agtype.parse, row)) for row in await cursor.fetchall()] for cursor in cursors]

    async def ping(self) -> None:
        """See to it that the database answers.

        Raises:
            GraphUnavailable: it does not, within some seconds.
        """

        async def work(connection: Connection) -> None:
            await connection.execute("SELECT 1")

        await self._attempt(work, tries=2)

    async def _attempt(self, work: Callable[[Connection], Awaitable[T]], tries: int = 1) -> T:
        try:
            return await self._in_time(self._with_connection(work, tries))
        except _CONFLICTS as error:
            raise GraphConflict from error
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
            raise GraphUnavailable from error
        except psycopg.Error as error:
            if _AGE_LOST_UPDATE in str(error):
                raise GraphConflict from error
            # The class and the code say what happened; the text may hold values.
            raise GraphError(f"{type(error).__name__} ({error.sqlstate})") from error

    async def _in_time(self, work: Coroutine[None, None, T]) -> T:
        """Wait no longer than the patience lasts, even for a driver that takes its time to be cancelled."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task}, timeout=_PATIENCE_SECONDS)
        finally:
            if not task.done():
                self._abandon(task)
        if not task.done():
            # The other connections most likely lead nowhere either; the next use is to have a new one.
            await self._pool.drain()
            raise TimeoutError
        return task.result()

    def _abandon(self, task: asyncio.Task[T]) -> None:
        ending = asyncio.create_task(_ended(task))
        self._abandoned.add(ending)
        ending.add_done_callback(self._abandoned.discard)

    async def _with_connection(self, work: Callable[[Connection], Awaitable[T]], tries: int) -> T:
        await self.open()
        await self._check_after_rest()
        async with self._pool.connection() as connection:
            try:
                return await work(connection)
            except psycopg.Error:
                if not connection.closed:
                    raise
                # The others in the pool have most likely died with it.
                await self._pool.drain()
                if tries == 1:
                    raise
        return await self._with_connection(work, tries - 1)

    async def _check_after_rest(self) -> None:
        rested = abs(time.time() - self._last_used)
        self._last_used = time.time()
        if rested > _TRUSTED_IDLE_SECONDS:
            await self._pool.drain()


async def _ended(task: asyncio.Task[T]) -> None:
    """Cancel until it helps: on a half-open socket the driver waits for an answer to its own cancelling as well."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCELLING_SECONDS)
    if not task.cancelled():
        task.exception()
