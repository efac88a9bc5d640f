"""The encrypted secrets of the registered MCP servers, and their replacement by others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.graph.mcp_servers import FIND_ALL
from shared.graph.statements import Sql, equals
from shared.graph.vertex_changes import CHANGED_PROPERTIES, changing

if TYPE_CHECKING:
    from shared.graph.connector import Graph

_PROPERTIES = ("static_value_encrypted", "oauth_client_secret_encrypted")
REPLACE = {
    name: Sql(f"""
        UPDATE {{graph}}."MCPServer" SET properties = {CHANGED_PROPERTIES} WHERE {equals(name, "old")}
        RETURNING 'true'
    """)  # noqa: S608  # values are bound
    for name in _PROPERTIES
}
"""By the property. A secret that another writer has changed meanwhile is not found."""


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """An encrypted secret: the name of its server, the property that it is in, and its text."""

    server: str
    property: str
    encrypted: str


class StoredSecrets:
    """The secrets of all servers, also of those that are not enabled.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def all(self) -> list[StoredSecret]:
        """Return every secret that is stored."""
        [rows] = await self._graph.read(FIND_ALL.bind())
        return [
            StoredSecret(str(node.get("name") or node.get("slug") or node.get("id")), name, value)
            for (node,) in rows
            if isinstance(node, dict)
            for name in _PROPERTIES
            if isinstance(value := node.get(name), str) and value.strip()
        ]

    async def replace(self, secret: StoredSecret, encrypted: str) -> bool:
        """Store another text for a secret; return False if it was changed since it was read."""
        statement = REPLACE[secret.property].bind(old=secret.encrypted, **changing({secret.property: encrypted}))
        return bool(await self._graph.write(statement))
