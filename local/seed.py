"""Writes the demo company's principals and the demo MCP servers to the graph."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from psycopg import sql

from local.company.principals import (
    INHERITS,
    ORGANIZATION_NAME,
    ORGANIZATION_SLUG,
    PERMISSIONS,
    ROLES,
    SERVICE_ACCOUNTS,
    USERS,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import LiteralString

    from psycopg import AsyncConnection
    from pydantic import JsonValue

    from shared.domain.models import JsonObject

_Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _ElementKind:
    """A label of vertices or edges with the rows to create.

    `read` returns the two-part keys of the elements that exist, `create` creates elements from `$rows`, `key` names the
    two fields of a row that make up its key.
    """

    name: LiteralString
    read: LiteralString
    create: LiteralString
    key: tuple[str, str]
    rows: tuple[JsonObject, ...]

    def missing(self, present: Collection[_Key]) -> list[JsonValue]:
        """Return the rows whose key is not present."""
        return [row for row in self.rows if (self.name, str(row[self.key[0]]), str(row[self.key[1]])) not in present]


_ORGANIZATION: JsonObject = {"slug": ORGANIZATION_SLUG, "name": ORGANIZATION_NAME}

# Vertices must exist before the edges between them.
_ELEMENT_KINDS = (
    _ElementKind(
        "Organization",
        "MATCH (n:Organization) RETURN n.slug, n.slug",
        "UNWIND $rows AS row CREATE (:Organization {slug: row.slug, name: row.name})",
        ("slug", "slug"),
        (_ORGANIZATION,),
    ),
    _ElementKind(
        "Permission",
        "MATCH (n:Permission) RETURN n.name, n.name",
        "UNWIND $rows AS row CREATE (:Permission {name: row.name})",
        ("name", "name"),
        tuple({"name": name} for name in PERMISSIONS),
    ),
    _ElementKind(
        "Role",
        "MATCH (n:Role) RETURN n.slug, n.slug",
        "UNWIND $rows AS row CREATE (:Role {slug: row.slug, name: row.name, description: row.description})",
        ("slug", "slug"),
        tuple({"slug": role.slug, "name": role.name, "description": role.description} for role in ROLES),
    ),
    _ElementKind(
        "User",
        "MATCH (n:User) RETURN n.email, n.email",
        "UNWIND $rows AS row CREATE (:User {id: row.id, email: row.email, display_name: row.display_name, "
        "is_active: true, is_admin: row.is_admin})",
        ("email", "email"),
        tuple(
            {"id": user.id, "email": user.email, "display_name": user.display_name, "is_admin": user.is_admin}
            for user in USERS
        ),
    ),
    _ElementKind(
        "ServiceAccount",
        "MATCH (n:ServiceAccount) RETURN n.slug, n.slug",
        "UNWIND $rows AS row "
        "CREATE (:ServiceAccount {slug: row.slug, display_name: row.display_name, is_active: true})",
        ("slug", "slug"),
        tuple({"slug": account.slug, "display_name": account.display_name} for account in SERVICE_ACCOUNTS),
    ),
    _ElementKind(
        "GRANTS",
        "MATCH (r:Role)-[:GRANTS]->(p:Permission) RETURN r.slug, p.name",
        "UNWIND $rows AS row MATCH (r:Role), (p:Permission) WHERE r.slug = row.role AND p.name = row.permission "
        "CREATE (r)-[:GRANTS]->(p)",
        ("role", "permission"),
        tuple({"role": role.slug, "permission": name} for role in ROLES for name in role.grants),
    ),
    _ElementKind(
        "INHERITS_FROM",
        "MATCH (r:Role)-[:INHERITS_FROM]->(p:Role) RETURN r.slug, p.slug",
        "UNWIND $rows AS row MATCH (r:Role), (p:Role) WHERE r.slug = row.role AND p.slug = row.parent "
        "CREATE (r)-[:INHERITS_FROM]->(p)",
        ("role", "parent"),
        tuple({"role": role, "parent": parent} for role, parent in INHERITS.items()),
    ),
    _ElementKind(
        "User MEMBER_OF",
        "MATCH (u:User)-[:MEMBER_OF]->(o:Organization) RETURN u.email, o.slug",
        "UNWIND $rows AS row MATCH (u:User), (o:Organization) WHERE u.email = row.email AND o.slug = row.organization "
        "CREATE (u)-[:MEMBER_OF {role: row.role}]->(o)",
        ("email", "organization"),
        tuple({"email": user.email, "organization": ORGANIZATION_SLUG, "role": user.role} for user in USERS),
    ),
    _ElementKind(
        "ServiceAccount MEMBER_OF",
        "MATCH (a:ServiceAccount)-[:MEMBER_OF]->(o:Organization) RETURN a.slug, o.slug",
        "UNWIND $rows AS row MATCH (a:ServiceAccount), (o:Organization) "
        "WHERE a.slug = row.slug AND o.slug = row.organization CREATE (a)-[:MEMBER_OF {role: row.role}]->(o)",
        ("slug", "organization"),
        tuple(
            {"slug": account.slug, "organization": ORGANIZATION_SLUG, "role": account.role}
            for account in SERVICE_ACCOUNTS
        ),
    ),
)


# AGE looks up the operators in an edge's pattern along the search path. The lock makes concurrent seeding wait.
_PREPARE = "SELECT set_config('search_path', 'ag_catalog, public', true), pg_advisory_xact_lock(hashtext(%s))"


async def seed(connection: AsyncConnection, graph_name: str) -> None:
    """Create the missing principals in the graph; if nothing is missing, this is a single query.

    The graph, its labels and its indexes must exist. Existing elements are not changed.
    """
    async with connection.transaction():
        await connection.execute(_PREPARE, [f"seed {graph_name}"])
        for kind, rows in await _missing(connection, graph_name):
            await connection.execute(_cypher(graph_name, kind.create), [json.dumps({"rows": rows})])


_SERVERS = "MATCH (s:MCPServer) RETURN s.slug, s.slug"
_CREATE_SERVERS = """UNWIND $rows AS row CREATE (:MCPServer {id: row.id, slug: row.slug, name: row.name,
    description: row.description, url: row.url, enabled: true, tool_prefix: row.tool_prefix, timeout: 30,
    verify_ssl: true, auth_type: row.auth_type, oauth_token_url: row.oauth_token_url,
    oauth_client_id: row.oauth_client_id, oauth_client_secret_encrypted: row.oauth_client_secret_encrypted,
    oauth_scope: row.oauth_scope, trusted: true})"""
_UPDATE_SERVERS = """UNWIND $rows AS row MATCH (s:MCPServer) WHERE s.slug = row.slug SET s.url = row.url,
    s.trusted = true, s.oauth_token_url = row.oauth_token_url,
    s.oauth_client_secret_encrypted = row.oauth_client_secret_encrypted"""


async def register_mcp_servers(connection: AsyncConnection, graph_name: str, servers: Sequence[JsonObject]) -> None:
    """Create the demo MCP servers in the graph; of existing ones, update the URLs and the encrypted client secret."""
    kind = _ElementKind("MCPServer", _SERVERS, _CREATE_SERVERS, ("slug", "slug"), tuple(servers))
    async with connection.transaction():
        await connection.execute(_PREPARE, [f"seed {graph_name}"])
        cursor = await connection.execute(_keys(graph_name, kind))
        missing = kind.missing({(name, first, second) for name, first, second in await cursor.fetchall()})
        await connection.execute(_cypher(graph_name, _UPDATE_SERVERS), [json.dumps({"rows": [*servers]})])
        await connection.execute(_cypher(graph_name, kind.create), [json.dumps({"rows": missing})])


async def _missing(connection: AsyncConnection, graph_name: str) -> list[tuple[_ElementKind, list[JsonValue]]]:
    cursor = await connection.execute(sql.SQL(" UNION ALL ").join(_keys(graph_name, kind) for kind in _ELEMENT_KINDS))
    present: set[_Key] = {(name, first, second) for name, first, second in await cursor.fetchall()}
    return [(kind, rows) for kind in _ELEMENT_KINDS if (rows := kind.missing(present))]


def _keys(graph_name: str, kind: _ElementKind) -> sql.Composed:
    return sql.SQL(
        "SELECT {name}, ag_catalog.agtype_to_text(a), ag_catalog.agtype_to_text(b) "
        "FROM ag_catalog.cypher({graph}, $$ {cypher} $$) AS (a ag_catalog.agtype, b ag_catalog.agtype)"
    ).format(name=sql.Literal(kind.name), graph=sql.Literal(graph_name), cypher=sql.SQL(kind.read))


def _cypher(graph_name: str, statement: LiteralString) -> sql.Composed:
    return sql.SQL("SELECT * FROM ag_catalog.cypher({graph}, $$ {cypher} $$, %s) AS (result ag_catalog.agtype)").format(
        graph=sql.Literal(graph_name), cypher=sql.SQL(statement)
    )
