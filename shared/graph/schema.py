"""The set-up of the database: the extension, the graph, its labels, tables and indexes. It can be repeated safely.

Labels are created before their first use, because two sessions that use a new label at once make AGE fail, and a query
of a label that does not exist fails or returns nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg import errors

from shared.domain.errors import GraphError, GraphMissing
from shared.graph import indexes, setup_lock
from shared.graph.connector import connect, described
from shared.graph.tables import WITH_TABLES
from shared.graph.versions import versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.graph.connector import Connection

VERTEX_LABELS = (
    "User",
    "ServiceAccount",
    "Organization",
    "Role",
    "Permission",
    "TokenMetadata",
    "APIKey",
    "MCPServer",
    "Conversation",
    "Message",
)
EDGE_LABELS = ("MEMBER_OF", "INHERITS_FROM", "GRANTS", "OWNED_BY", "HAS_CONVERSATION", "CONTAINS")

_ALREADY_EXISTS = (
    errors.DuplicateSchema,
    errors.DuplicateTable,
    errors.DuplicateObject,
    errors.InvalidSchemaName,
    errors.UniqueViolation,
)
_GRAPHS = b"SELECT name::text FROM ag_catalog.ag_graph ORDER BY 1"
_MOST_NAMES = 8
_FIND_GRAPH = "SELECT 1 FROM ag_catalog.ag_graph WHERE name = %s"
_FIND_TABLE = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s"


async def set_up(
    dsn: str, graph_name: str, report: Callable[[str], None] = lambda _line: None, *, creates_graph: bool = True
) -> None:
    """Create everything that is missing; call `report` with a description of each thing that was created.

    Raises:
        GraphUnavailable: the database cannot be reached.
        GraphMissing: there is no such graph, and a new one is not wanted.
        GraphError: a database privilege is missing, or Apache AGE is not installed.
    """
    try:
        async with await connect(dsn) as connection:
            if await is_complete(connection, graph_name):
                return
            if not creates_graph:
                await _check_graph(connection, graph_name)
            async with setup_lock.held(dsn, connection):
                await _create(connection, graph_name, report)
    except (psycopg.Error, UnicodeError) as error:
        is_answer = getattr(error, "sqlstate", None) and not isinstance(error, psycopg.OperationalError)
        raise GraphError(str(error).strip().splitlines()[0]) if is_answer else described(error) from error


async def _check_graph(connection: Connection, graph_name: str) -> None:
    has_age = (await versions(connection)).age is not None
    cursor = await connection.execute(_GRAPHS) if has_age else None
    names = [str(name) for (name,) in await cursor.fetchall()] if cursor else []
    if graph_name not in names:
        others = f"; it has {', '.join(names[:_MOST_NAMES])}" if names else ""
        raise GraphMissing(f"the database of POSTGRES_URL has no graph {graph_name}{others}")


async def missing(connection: Connection, graph_name: str) -> list[str]:
    """Name everything that `set_up` would create in an existing graph, without any change."""
    labels = [*((label, "vertex") for label in VERTEX_LABELS), *((label, "edge") for label in EDGE_LABELS)]
    names = [f"{kind} label {label}" for label, kind in labels if not await _has_label(connection, graph_name, label)]
    names += [
        f"table {module.TABLE}"
        for module in WITH_TABLES
        if not await _exists(connection, _FIND_TABLE, graph_name, module.TABLE)
    ]
    names += [
        str(index)
        for index in indexes.required(EDGE_LABELS)
        if not await indexes.is_valid(connection, graph_name, index)
    ]
    return names


async def missing_tables(dsn: str, graph_name: str) -> list[str]:
    """Name the tables that are missing; an empty list also if the database cannot be asked."""
    try:
        async with await connect(dsn) as connection:
            return [
                module.TABLE
                for module in WITH_TABLES
                if not await _exists(connection, _FIND_TABLE, graph_name, module.TABLE)
            ]
    except psycopg.Error:
        return []


async def is_complete(connection: Connection, graph_name: str) -> bool:
    """Return whether `set_up` has nothing to do. Nothing is changed."""
    here = await versions(connection)
    if here.age is None or here.problem or not await _exists(connection, _FIND_GRAPH, graph_name):
        return False
    return not await missing(connection, graph_name) and not await indexes.superseded(connection, graph_name)


async def _create(connection: Connection, graph_name: str, report: Callable[[str], None]) -> None:
    if (await versions(connection)).age is None:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS age")
        report("extension age")
    if problem := (await versions(connection)).problem:
        raise GraphError(problem)
    if not await _exists(connection, _FIND_GRAPH, graph_name):
        await _call_age(connection, "create_graph", graph_name)
        report(f"graph {graph_name}")
    for kind, function, labels in (("vertex", "create_vlabel", VERTEX_LABELS), ("edge", "create_elabel", EDGE_LABELS)):
        for label in labels:
            if not await _has_label(connection, graph_name, label):
                await _call_age(connection, function, graph_name, label)
                report(f"{kind} label {label}")
    await _create_tables(connection, graph_name, report)
    for index in indexes.required(EDGE_LABELS):
        if await indexes.create(connection, graph_name, index):
            report(str(index))
    for index in await indexes.superseded(connection, graph_name):
        await indexes.drop(connection, graph_name, index)


async def _call_age(connection: Connection, function: str, *values: str) -> None:
    """Call a function of AGE. Some of them find their own operators by the search path only."""
    places = ", ".join(["%s"] * len(values))
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL search_path = ag_catalog")
            await connection.execute(f"SELECT ag_catalog.{function}({places})".encode(), values)
    except _ALREADY_EXISTS:
        # Another service of the stack created it at the same time.
        return


async def _create_tables(connection: Connection, graph_name: str, report: Callable[[str], None]) -> None:
    for module in WITH_TABLES:
        if await _exists(connection, _FIND_TABLE, graph_name, module.TABLE):
            continue
        for statement in module.CREATE_TABLE:
            await _execute(connection, statement.replace("{graph}", f'"{graph_name}"'))
        report(f"table {module.TABLE}")


async def _exists(connection: Connection, query: str, *values: str) -> bool:
    return bool(await (await connection.execute(query.encode(), values)).fetchone())


async def _has_label(connection: Connection, graph_name: str, label: str) -> bool:
    query = """SELECT 1 FROM ag_catalog.ag_label JOIN ag_catalog.ag_graph ON graph = graphid
                WHERE ag_graph.name = %s AND ag_label.name = %s"""
    return await _exists(connection, query, graph_name, label)


async def _execute(connection: Connection, query: str, *values: str) -> None:
    try:
        await connection.execute(query.encode(), values)
    except _ALREADY_EXISTS:
        # Another service of the stack created it at the same time.
        return
