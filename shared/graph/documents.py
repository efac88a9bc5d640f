"""A cache of downloaded documents for the next start, in an ordinary table inside the graph's schema."""

from __future__ import annotations

import base64
import binascii
import logging
import zlib
from typing import TYPE_CHECKING

from shared.domain.errors import GraphError
from shared.graph.statements import Sql, text_parameter

if TYPE_CHECKING:
    from shared.graph.connector import Graph

log = logging.getLogger(__name__)

TABLE = "imbi_assistant_document"
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        name text PRIMARY KEY,
        content text NOT NULL,
        stored_at timestamptz NOT NULL DEFAULT now()
    )""",
)

_MAX_BYTES = 32_000_000

READ = Sql(f"""
    SELECT to_jsonb(content)::text FROM {{graph}}.{TABLE} WHERE name = {text_parameter("name")}
""")  # noqa: S608  # values are bound
WRITE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} (name, content)
    VALUES ({text_parameter("name")}, {text_parameter("content")})
    ON CONFLICT (name) DO UPDATE SET content = excluded.content, stored_at = now()
    RETURNING 'true'
""")  # noqa: S608  # values are bound


class DocumentCache:
    """The stored copy of one document, found by name. A database failure is logged and is never an error."""

    def __init__(self, graph: Graph, name: str) -> None:
        self._graph = graph
        self._name = name

    async def read(self) -> bytes | None:
        """Return the stored document, or None if there is none that can be read."""
        try:
            [rows] = await self._graph.read(READ.bind(name=self._name))
            return _decompress(str(rows[0][0])) if rows else None
        except (GraphError, ValueError, zlib.error) as error:
            log.info("the stored document could not be read: %s", type(error).__name__)
            return None

    async def write(self, content: bytes) -> None:
        """Store the document in place of the previous copy."""
        compressed = base64.b64encode(zlib.compress(content)).decode()
        try:
            await self._graph.write(WRITE.bind(name=self._name, content=compressed))
        except GraphError as error:
            log.info("the document could not be stored: %s", type(error).__name__)


def _decompress(encoded: str) -> bytes:
    """Return the document. Raise ValueError or zlib.error if it is malformed or larger than the limit."""
    try:
        compressed = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError("the stored document is not base64") from error
    decompressor = zlib.decompressobj()
    content = decompressor.decompress(compressed, _MAX_BYTES)
    if not decompressor.eof:
        raise ValueError("the stored document is incomplete or too long")
    return content
