"""The indexes that the service's statements are served by.

Those of vertices are expression indexes in the form that Cypher's `WHERE n.key = $value` becomes; those of edges are
on the two ends (AGE 1.7 makes these itself). They are built concurrently, so that nobody waits for them.
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
    """An index of a label, on properties of its vertices or on a column of its edges."""

    label: str
    properties: tuple[str, ...] = ()
    column: str | None = None
    unique: bool = False

    @property
    def name(self) -> str:
        """The index's name in the graph's schema."""
        return "_".join(["imbi_assistant", self.label, self.column or "_".join(self.properties)])

    def __str__(self) -> str:
        return f"index {self.label}({self.column or ', '.join(self.properties)})"


# Only our own labels are ours to restrict. (conversation_id, sequence) guards what the lock already keeps apart.
_VERTEX_INDEXES = (
    Index("User", ("email",)),
    Index("ServiceAccount", ("slug",)),
    Index("Role", ("slug",)),
    Index("TokenMetadata", ("jti",)),
    Index("APIKey", ("key_id",)),
    Index("Conversation", ("id",), unique=True),
    Index("Conversation", ("user_email", "updated_at")),
    Index("Message", ("id",), unique=True),
    Index("Message", ("conversation_id", "sequence"), unique=True),
)

# Newer releases of AGE index every vertex's id themselves.
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


def wanted(edge_labels: Iterable[str]) -> Iterator[Index]:
    """List every index that there should be."""
    yield from _VERTEX_INDEXES
    for label in _FOUND_BY_EDGE:
        yield Index(label, column="id")
    for label in edge_labels:
        yield Index(label, column="start_id")
        yield Index(label, column="end_id")


async def create(connection: Connection, graph_name: str, index: Index) -> bool:
    """Create an index unless it is there; say whether it was made."""
    if await _is_there(connection, graph_name, index):
        return False
    expressions = index.column or ", ".join(f"({property_of(name)})" for name in index.properties)
    where = f'"{index.name}" ON "{graph_name}"."{index.label}" ({expressions})'
    try:
        await _build(connection, f"CREATE {'UNIQUE ' if index.unique else ''}INDEX CONCURRENTLY IF NOT EXISTS {where}")
    except errors.UniqueViolation:
        # Rows of an older writer share a value. They stay readable; the lock alone keeps new ones apart.
        await _drop(connection, graph_name, index)
        await _build(connection, f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {where}")
    return True


async def _is_there(connection: Connection, graph_name: str, index: Index) -> bool:
    if index.column is not None:
        cursor = await connection.execute(_FIND_ON_COLUMN, (graph_name, index.label, index.column))
        return await cursor.fetchone() is not None
    cursor = await connection.execute(_FIND_NAMED, (graph_name, index.name))
    row = await cursor.fetchone()
    if row is not None and not row[0]:
        # What an interrupted concurrent build leaves behind is never used and must be built again.
        await _drop(connection, graph_name, index)
        return False
    return row is not None


async def _build(connection: Connection, statement: str) -> None:
    await connection.execute(statement.encode())


async def _drop(connection: Connection, graph_name: str, index: Index) -> None:
    await connection.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{graph_name}"."{index.name}"'.encode())
