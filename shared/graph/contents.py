"""Contents by their hash: the system prompts and tool definitions of conversations, each distinct one stored once.

A plain table of ours in the graph's schema. A million conversations with the same tools share its rows.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from shared.graph.statements import Sql

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from shared.graph.connector import Graph
    from shared.graph.statements import BoundStatement

TABLE = "imbi_assistant_content"
CREATE_TABLE = (
    """
    CREATE TABLE IF NOT EXISTS {graph}.imbi_assistant_content (
        hash text PRIMARY KEY,
        content text NOT NULL,
        stored_at timestamptz NOT NULL DEFAULT now()
    )""",
)

# Values reach these statements as JSON texts, as they reach all others.
READ = Sql("""
    SELECT to_jsonb(hash)::text, to_jsonb(content)::text FROM {graph}.imbi_assistant_content
     WHERE hash = ANY (ARRAY(SELECT jsonb_array_elements_text(%(hashes)s::jsonb)))
""")
STORE = Sql("""
    INSERT INTO {graph}.imbi_assistant_content (hash, content)
    SELECT key, value FROM jsonb_each_text(%(contents)s::jsonb)
    ON CONFLICT (hash) DO NOTHING
    RETURNING 'true'
""")


def hash_of(content: str) -> str:
    """Return the hash that a content is stored under."""
    return sha256(content.encode()).hexdigest()


def stored(contents: Mapping[str, str]) -> BoundStatement:
    """Return the statement that stores contents by their hashes."""
    return STORE.bind(contents={**contents})


class Contents:
    """Reads contents."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def read(self, hashes: Collection[str]) -> dict[str, str]:
        """Return the contents of hashes; a hash that is not stored is missing from the result."""
        [rows] = await self._graph.read(READ.bind(hashes=[*hashes]))
        return {str(key): str(content) for key, content in rows}
