"""A hundred processes with one connection each, as a hundred Lambda environments have, through PgBouncer."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo

from bench import small_environment
from bench.figures import Figure, Goal, percentile
from tests.support import pgbouncer
from tests.support.service import DEVELOPER

if TYPE_CHECKING:
    from bench.environment import Bench
    from bench.small_environment import Done

_ENVIRONMENTS = 100
_LOOKS_PER_SECOND = 20
_SECONDS = 120


async def measure(bench: Bench) -> list[Figure]:
    """Let all environments work at the same time; without PgBouncer on this machine, there are no figures."""
    if pgbouncer.PROGRAM is None:
        return []
    with tempfile.TemporaryDirectory() as directory, pgbouncer.pgbouncer(bench.database.dsn, Path(directory)) as dsn:
        began = time.perf_counter()
        working = asyncio.create_task(asyncio.to_thread(_work, dsn, bench.database.graph_name))
        clients, servers = await _most_connections(dsn, working)
        return _figures(await working, clients, servers, time.perf_counter() - began)


def _work(dsn: str, graph_name: str) -> list[Done]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([small_environment.__name__])
    start, done = context.Barrier(_ENVIRONMENTS), context.Queue()
    arguments = (dsn, graph_name, DEVELOPER, start, done)
    processes = [context.Process(target=small_environment.run, args=arguments) for _ in range(_ENVIRONMENTS)]
    for process in processes:
        process.start()
    results = [done.get(timeout=_SECONDS) for _ in processes]
    for process in processes:
        process.join()
    return results


async def _most_connections(dsn: str, working: asyncio.Task[list[Done]]) -> tuple[int, int]:
    """Return how many connections PgBouncer had at most, from clients and to the database."""
    most = 0, 0
    # PgBouncer's console knows only simple queries.
    console = await psycopg.AsyncConnection.connect(
        make_conninfo(dsn, dbname="pgbouncer"), autocommit=True, cursor_factory=psycopg.AsyncClientCursor
    )
    async with console:
        while not working.done():
            clients, servers = [await _databases(console, command) for command in ("SHOW CLIENTS", "SHOW SERVERS")]
            most = max(most[0], clients), max(most[1], servers)
            await asyncio.sleep(1 / _LOOKS_PER_SECOND)
    return most


async def _databases(console: psycopg.AsyncConnection[tuple[object, ...]], command: str) -> int:
    """Return how many of the connections that the console shows belong to the database."""
    cursor = await console.execute(command.encode())
    names = [column.name for column in cursor.description or ()]
    return sum(row[names.index("database")] == "pooled" for row in await cursor.fetchall())


def _figures(results: list[Done], clients: int, servers: int, seconds: float) -> list[Figure]:
    ours = percentile((each.seconds for each in results), 0.5)
    floor = percentile((each.floor_seconds for each in results), 0.5)
    name = "environments"
    return [
        Figure(name, f"connections of {_ENVIRONMENTS} environments to PgBouncer", "", clients),
        Figure(name, "connections of PgBouncer to the database", "", servers, goal=Goal(pgbouncer.SERVER_CONNECTIONS)),
        Figure(name, "failed messages", "", sum(each.failures for each in results), goal=Goal(0)),
        Figure(name, "transactions of a message, p50", "ms", ours * 1000, floor * 1000),
        Figure(name, "all, with the start of the processes", "s", seconds),
    ]
