"""What a database has of all that the service needs: the graph with its parts, and rights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.graph import schema, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.graph.connector import Connection

_OWN_LABELS = ("Conversation", "Message", "HAS_CONVERSATION", "CONTAINS")
_CHANGED = ("INSERT", "UPDATE", "DELETE")
_OWN_TABLES = {module.TABLE: getattr(module, "RIGHTS", _CHANGED) for module in tables.WITH_TABLES}
"""The rights that the service needs on its own tables, besides SELECT."""
_UPDATED_LABELS = ("APIKey", "MCPServer")

_HAS_GRAPH = "SELECT 'true' FROM ag_catalog.ag_graph WHERE name = %s"
_REFUSED_SCHEMAS = """
    SELECT 'USAGE on schema ' || nspname FROM pg_namespace
     WHERE nspname = ANY (ARRAY['ag_catalog', %s]) AND NOT has_schema_privilege(oid, 'USAGE') ORDER BY 1"""
_REFUSED_TABLES = """
    SELECT wanted.privilege || ' on ' || wanted.name
      FROM jsonb_to_recordset(%s::jsonb) AS wanted(schema text, name text, privilege text)
      JOIN pg_namespace namespace ON namespace.nspname = wanted.schema
      JOIN pg_class class ON class.relnamespace = namespace.oid AND class.relname = wanted.name
     WHERE NOT CASE class.relkind WHEN 'S' THEN has_sequence_privilege(class.oid, wanted.privilege)
                                  ELSE has_table_privilege(class.oid, wanted.privilege) END"""
_CLOCK = "SELECT extract(epoch FROM clock_timestamp())::text"


async def has_graph(connection: Connection, graph_name: str) -> bool:
    """Return whether the graph exists; this needs AGE and the right to read its catalog."""
    return bool(await _rows(connection, _HAS_GRAPH, graph_name))


async def missing_parts(connection: Connection, graph_name: str) -> list[str]:
    """Name the labels, tables and indexes of an existing graph that `schema.set_up` would create."""
    return await schema.missing(connection, graph_name)


async def missing_rights(connection: Connection, graph_name: str) -> list[str]:
    """Name the rights that the service's role lacks on existing parts, such as `INSERT on Message`."""
    schemas = await _rows(connection, _REFUSED_SCHEMAS, graph_name)
    wanted = [{"schema": where, "name": name, "privilege": right} for where, name, right in _wanted_rights(graph_name)]
    tables = await _rows(connection, _REFUSED_TABLES, json.dumps(wanted))
    return [str(row[0]) for row in [*schemas, *tables]]


async def clock(connection: Connection) -> float:
    """Read the database's clock, in seconds since 1970."""
    [(seconds,)] = await _rows(connection, _CLOCK)
    return float(str(seconds))


def _wanted_rights(graph_name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the schema, the name and the right of everything that the service and its set-up read and write."""
    yield from (("ag_catalog", table, "SELECT") for table in ("ag_graph", "ag_label"))
    yield from needed_rights(graph_name)
    yield from ((graph_name, label, "UPDATE") for label in _UPDATED_LABELS)


def needed_rights(graph_name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the schema, the name and the right of everything without which no question can be answered."""
    for name in (*schema.VERTEX_LABELS, *schema.EDGE_LABELS, *_OWN_TABLES):
        yield graph_name, name, "SELECT"
    for name, rights in (dict.fromkeys(_OWN_LABELS, _CHANGED) | _OWN_TABLES).items():
        yield from ((graph_name, name, right) for right in rights)
    yield from ((graph_name, f"{label}_id_seq", "USAGE") for label in _OWN_LABELS)


async def _rows(connection: Connection, query: str, *values: str) -> list[tuple[str | None, ...]]:
    cursor = await connection.execute(query.encode(), values)
    return await cursor.fetchall()
