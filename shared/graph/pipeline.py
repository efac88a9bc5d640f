"""Several statements in one round trip: libpq's pipeline mode without a cursor for each statement.

psycopg's own pipeline writes each statement to the socket and waits for the socket before it takes the next one. That
costs more CPU time than everything else in a transaction of twenty statements.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeAlias

from psycopg import errors, pq
from psycopg.generators import fetch_many, send

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import AsyncConnection
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn, PGresult

    from shared.graph.prepared_statements import Names

Rows: TypeAlias = "list[list[bytes | None]]"

_FAILED = frozenset({pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED})


@dataclass(frozen=True, slots=True)
class Command:
    """A statement with its values as text."""

    text: bytes
    values: Sequence[bytes] = ()
    is_prepared: bool = False
    """Whether the connection may prepare it under a name."""


BEGIN = Command(b"BEGIN")
COMMIT = Command(b"COMMIT")


async def run(connection: AsyncConnection[Any], commands: Sequence[Command], names: Names | None) -> list[Rows]:
    """Run commands in one round trip and return the rows of each. If one fails, those after it do not run.

    Without a transaction in progress, they are one transaction, or several if they contain BEGIN or COMMIT.

    Raises:
        psycopg.Error: a command failed, or the connection is lost.
    """
    pgconn = connection.pgconn
    replies: list[bytes] = []
    results: list[PGresult] = []
    pgconn.enter_pipeline_mode()
    try:
        for command in commands:
            replies += _queued(pgconn, command, names)
        pgconn.pipeline_sync()
        results += await connection.wait(_exchange(pgconn, len(replies)))
    finally:
        _leave(pgconn)
        for text, result in zip_longest(replies, results):
            if text and names is not None and (result is None or result.status in _FAILED):
                names.forget(text)
    failed = next((result for result in results if result.status in _FAILED), None)
    if failed is not None:
        raise errors.error_from_result(failed)
    return [_rows(result) for text, result in zip(replies, results, strict=True) if not text]


def _queued(pgconn: PGconn, command: Command, names: Names | None) -> Iterator[bytes]:
    """Queue a command; yield its text for the reply to its preparation, and an empty text for that to its execution."""
    name, is_new = names.take(command.text) if names is not None and command.is_prepared else (b"", False)
    if is_new:
        yield command.text
        pgconn.send_prepare(name, command.text)
    if name:
        pgconn.send_query_prepared(name, command.values)
    else:
        pgconn.send_query_params(command.text, command.values)
    yield b""


def _exchange(pgconn: PGconn, replies: int) -> PQGen[list[PGresult]]:
    """Send what was queued, and return the result of each reply."""
    yield from send(pgconn)
    results: list[PGresult] = []
    # The last reply is that to the synchronization.
    for _ in range(replies + 1):
        found = yield from fetch_many(pgconn)
        if not found:
            raise errors.OperationalError("the connection is lost")
        results += found
    return results[:-1]


def _rows(result: PGresult) -> Rows:
    columns = range(result.nfields)
    return [[result.get_value(row, column) for column in columns] for row in range(result.ntuples)]


def _leave(pgconn: PGconn) -> None:
    """Leave the pipeline mode, or close a connection with replies that nobody has read."""
    if pgconn.status != pq.ConnStatus.OK:
        return
    try:
        pgconn.exit_pipeline_mode()
    except errors.OperationalError:
        pgconn.finish()
