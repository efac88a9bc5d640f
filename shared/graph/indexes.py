"""The indexes that the service's statements use.

The indexes on vertices are expression indexes, with the expression that AGE makes of Cypher's `WHERE n.key = $value`.
The indexes on edges are on the columns of their two ends; AGE 1.7 creates these itself. Indexes are built concurrently,
so that they block no other writer.
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import errors

from shared.graph.statements import property_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.graph.connector import Connection


@dataclass(frozen=True, slots=True)
class Index:
    """An index on a label's table: on properties, or on one column."""

    label: str
    properties: tuple[str, ...] = ()
    column: str | None = None
    unique: bool = False

    @property
    def name(self) -> str:
        """The name of the index in the graph's schema."""
        return "_".join(["imbi_assistant", self.label, self.column or "_".join(self.properties)])

    def __str__(self) -> str:
        return f"index {self.label}({self.column or ', '.join(self.properties)})"


# Only the labels that this service owns have unique indexes. The lock on a conversation already prevents two messages
# with the same (conversation_id, sequence); the unique index is a second safeguard.
_VERTEX_INDEXES = (
    Index("User", ("email",)),
    Index("ServiceAccount", ("slug",)),
    Index("Role", ("slug",)),
    Index("TokenMetadata", ("jti",)),
    Index("APIKey", ("key_id",)),
    Index("Conversation", ("id",), unique=True),
    Index("Conversation", ("user_email", "updated_at", "id")),
    Index("Conversation", ("updated_at",)),
    Index("Message", ("id",), unique=True),
    Index("Message", ("conversation_id", "sequence"), unique=True),
)

_SUPERSEDED = (Index("Conversation", ("user_email", "updated_at")),)
"""Indexes of earlier versions that no statement needs any more. Each one would slow down every write."""

# Edges lead to the vertices of these labels. Newer releases of AGE index the id of every vertex themselves.
_FOUND_BY_EDGE = ("User", "ServiceAccount")

_FIND_NAMED = """
    SELECT index.indisvalid FROM pg_index index
      JOIN pg_class class ON class.oid = index.indexrelid
      JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
     WHERE namespace.nspname = %s AND class.relname = %s"""
_FIND_ON_COLUMN = """
    SELECT true FROM pg_index index
      JOIN pg_class class ON class.oid = index.indrelid
      JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
      JOIN pg_attribute attribute ON attribute.attrelid = class.oid AND attribute.attnum = index.indkey[0]
     WHERE index.indisvalid AND namespace.nspname = %s AND class.relname = %s AND attribute.attname = %s"""


def required(edge_labels: Iterable[str]) -> Iterator[Index]:
    """Yield every index that the service needs."""
    yield from _VERTEX_INDEXES
    for label in _FOUND_BY_EDGE:
        yield Index(label, column="id")
    for label in edge_labels:
        yield Index(label, column="start_id")
        yield Index(label, column="end_id")


async def create(connection: Connection, graph_name: str, index: Index) -> bool:
    """Create an index unless it exists; return whether it was created."""
    if await _exists(connection, graph_name, index):
        return False
    expressions = index.column or ", ".join(f"({property_of(name)})" for name in index.properties)
    target = f'"{index.name}" ON "{graph_name}"."{index.label}" ({expressions})'
    try:
        await _build(connection, f"CREATE {'UNIQUE ' if index.unique else ''}INDEX CONCURRENTLY IF NOT EXISTS {target}")
    except errors.UniqueViolation:
        # Rows that another version has written share a value. They stay readable, and the lock on the conversation
        # prevents new ones.
        await drop(connection, graph_name, index)
        await _build(connection, f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {target}")
    return True


async def superseded(connection: Connection, graph_name: str) -> list[Index]:
    """Return the existing indexes of earlier versions that no statement needs any more."""
    return [index for index in _SUPERSEDED if await _validity(connection, graph_name, index) is not None]


async def is_valid(connection: Connection, graph_name: str, index: Index) -> bool:
    """Return whether an index exists and is valid. Nothing is changed."""
    return bool(await _validity(connection, graph_name, index))


async def _exists(connection: Connection, graph_name: str, index: Index) -> bool:
    validity = await _validity(connection, graph_name, index)
    if validity is False:
        # An interrupted concurrent build leaves an invalid index, which PostgreSQL never uses.
        await drop(connection, graph_name, index)
    return bool(validity)


async def _validity(connection: Connection, graph_name: str, index: Index) -> bool | None:
    """Return whether an existing index is valid; None if there is no index."""
    if index.column is not None:
        cursor = await connection.execute(_FIND_ON_COLUMN, (graph_name, index.label, index.column))
    else:
        cursor = await connection.execute(_FIND_NAMED, (graph_name, index.name))
    row = await cursor.fetchone()
    return None if row is None else bool(row[0])


async def _build(connection: Connection, statement: str) -> None:
    await connection.execute(statement.encode())


async def drop(connection: Connection, graph_name: str, index: Index) -> None:
    """Drop an index concurrently."""
    await connection.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{graph_name}"."{index.name}"'.encode())
