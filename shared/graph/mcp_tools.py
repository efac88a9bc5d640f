"""The accepted definitions of external tools, as hashes, in an ordinary table inside the graph's schema.

The first definition that any process sees is accepted. Another one is accepted when a user approves a call of it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from shared.graph.statements import Sql
from shared.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from shared.domain.models import MCPServer
    from shared.graph.connector import Graph

Hashes: TypeAlias = tuple[str, str, str]
"""The hashes of a tool's description, input schema and hints."""

TABLE = "imbi_assistant_mcp_tool"
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        id text PRIMARY KEY,
        server text NOT NULL,
        name text NOT NULL,
        description text NOT NULL,
        input_schema text NOT NULL,
        hints text NOT NULL,
        accepted_at timestamptz NOT NULL DEFAULT now(),
        changed_at timestamptz
    )""",
)

_LISTED = """jsonb_to_recordset(%(tools)s::jsonb)
        AS listed (id text, server text, name text, description text, input_schema text, hints text)"""
REMEMBER = Sql(f"""
    WITH listed AS MATERIALIZED (SELECT * FROM {_LISTED}),
    added AS (
        INSERT INTO {{graph}}.{TABLE} (id, server, name, description, input_schema, hints)
        SELECT id, server, name, description, input_schema, hints FROM listed ORDER BY id
        ON CONFLICT (id) DO NOTHING
    ), changed AS (
        UPDATE {{graph}}.{TABLE} AS tool SET changed_at = now() FROM listed
         WHERE tool.id = listed.id AND tool.changed_at IS NULL
           AND (tool.description, tool.input_schema, tool.hints)
               IS DISTINCT FROM (listed.description, listed.input_schema, listed.hints)
    )
    SELECT to_jsonb(tool)::text FROM {{graph}}.{TABLE} AS tool JOIN listed ON listed.id = tool.id
""")  # noqa: S608  # constants
"""Adds the tools that were never seen, notes when others differ for the first time, and returns the accepted ones."""
ACCEPT = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} (id, server, name, description, input_schema, hints)
    SELECT id, server, name, description, input_schema, hints FROM {_LISTED}
    ON CONFLICT (id) DO UPDATE
       SET description = excluded.description, input_schema = excluded.input_schema, hints = excluded.hints,
           accepted_at = now(), changed_at = NULL
    RETURNING 'true'
""")  # noqa: S608  # constants


class AcceptedMcpTools:
    """The accepted definitions of the tools of all servers. A server at another address is another server.

    Every method raises GraphError if the database cannot be reached or refuses the statement.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def remember(self, server: MCPServer, tools: Mapping[str, Hashes]) -> dict[str, Hashes]:
        """Accept the tools that were never seen; return the accepted definitions of the others."""
        rows = await self._graph.write(REMEMBER.bind(tools=_listed(server, tools)))
        names = {_id(server, name): name for name in tools}
        found = [row[0] for row in rows if isinstance(row[0], dict)]
        return {
            names[str(each["id"])]: (str(each["description"]), str(each["input_schema"]), str(each["hints"]))
            for each in found
        }

    async def accept(self, server: MCPServer, name: str, hashes: Hashes) -> None:
        """Accept a definition."""
        await self._graph.write(ACCEPT.bind(tools=_listed(server, {name: hashes})))


def _listed(server: MCPServer, tools: Mapping[str, Hashes]) -> list[JsonValue]:
    return [
        {
            "id": _id(server, name),
            "server": server.slug,
            "name": clean(name),
            "description": description,
            "input_schema": input_schema,
            "hints": hints,
        }
        for name, (description, input_schema, hints) in tools.items()
    ]


def _id(server: MCPServer, name: str) -> str:
    """Return the key of a tool. It is a hash, because an index takes no long texts."""
    return sha256(f"{server.slug}\n{server.url}\n{name}".encode("utf-8", "surrogatepass")).hexdigest()
