"""Documents that were fetched from elsewhere, kept for the next start: a plain table of ours in the graph's schema."""

from __future__ import annotations

import base64
import binascii
import logging
import zlib
from typing import TYPE_CHECKING

from shared.domain.errors import GraphError
from shared.graph.statements import Sql

if TYPE_CHECKING:
    from shared.graph.connector import Graph

log = logging.getLogger(__name__)

TABLE = "imbi_assistant_document"
CREATE_TABLE = """
    CREATE TABLE IF NOT EXISTS {graph}.imbi_assistant_document (
        name text PRIMARY KEY,
        content text NOT NULL,
        stored_at timestamptz NOT NULL DEFAULT now()
    )"""

_LARGEST = 32_000_000

# Values reach these statements as JSON texts, as they reach all others.
READ = Sql("""
    SELECT to_jsonb(content)::text FROM {graph}.imbi_assistant_document WHERE name = (%(name)s::jsonb #>> '{}')
""")
WRITE = Sql("""
    INSERT INTO {graph}.imbi_assistant_document (name, content)
    VALUES ((%(name)s::jsonb #>> '{}'), (%(content)s::jsonb #>> '{}'))
    ON CONFLICT (name) DO UPDATE SET content = excluded.content, stored_at = now()
    RETURNING 'true'
""")


class KeptDocument:
    """One document by its name; a database that cannot keep it costs a later start some time and nothing else."""

    def __init__(self, graph: Graph, name: str) -> None:
        self._graph = graph
        self._name = name

    async def read(self) -> bytes | None:
        """Give what was kept last, None where nothing was."""
        try:
            [rows] = await self._graph.read(READ.bind(name=self._name))
            return _unpacked(str(rows[0][0])) if rows else None
        except (GraphError, ValueError, zlib.error) as error:
            log.info("no document was kept: %s", type(error).__name__)
            return None

    async def write(self, content: bytes) -> None:
        """Keep a document instead of the one before."""
        packed = base64.b64encode(zlib.compress(content)).decode()
        try:
            await self._graph.write(WRITE.bind(name=self._name, content=packed))
        except GraphError as error:
            log.info("a document could not be kept: %s", type(error).__name__)


def _unpacked(packed: str) -> bytes:
    """Unpack a document. Raises ValueError or zlib.error where it is none."""
    try:
        compressed = base64.b64decode(packed, validate=True)
    except binascii.Error as error:
        raise ValueError("not packed by this service") from error
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(compressed, _LARGEST)
    if not unpacking.eof:
        raise ValueError("cut off, or too long")
    return content
