"""The demo graph's principals: development users, a service account, their roles and permissions.

The demo Imbi API reads the same constants, so that it and the graph agree on what each of them may do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import LiteralString

    from psycopg import AsyncConnection
    from pydantic import JsonValue

    from shared.domain.models import JsonObject

_Key: TypeAlias = tuple[str, str, str]

ORGANIZATION_SLUG = "fernwood"
ORGANIZATION_NAME = "Fernwood Trading"
ADMINISTRATOR_EMAIL = "admin@example.com"
DEVELOPER_EMAIL = "developer@example.com"
VIEWER_EMAIL = "viewer@example.com"


@dataclass(frozen=True, slots=True)
class DevelopmentUser:
    """A user that `token` hands out access tokens for."""

    email: str
    display_name: str
    role: str
    is_admin: bool = False

    @property
    def id(self) -> str:
        """The same id at every start, whatever the data directory."""
        return str(uuid5(NAMESPACE_URL, f"mailto:{self.email}"))


@dataclass(frozen=True, slots=True)
class DevelopmentServiceAccount:
    """A service account of the demo graph."""

    slug: str
    display_name: str
    description: str
    role: str


@dataclass(frozen=True, slots=True)
class DevelopmentRole:
    """A role with the permissions that it adds to those of the role it inherits from."""

    slug: str
    name: str
    description: str
    priority: int
    grants: tuple[str, ...]
    inherits_from: str | None = None


USERS = (
    DevelopmentUser(ADMINISTRATOR_EMAIL, "Ada Whitfield", "administrator", is_admin=True),
    DevelopmentUser(DEVELOPER_EMAIL, "Devin Okafor", "developer"),
    DevelopmentUser(VIEWER_EMAIL, "Vera Lindgren", "viewer"),
)

SERVICE_ACCOUNTS = (
    DevelopmentServiceAccount(
        "release-bot",
        "Release Bot",
        "Records releases and deployments from the continuous integration pipelines.",
        "automation",
    ),
)

_ACTIONS: dict[str, str] = {
    "admin:dashboard": "read",
    "admin:events": "read",
    "admin:maintenance": "manage read",
    "admin:plugins": "manage read",
    "auth_providers": "read write",
    "blueprint": "delete read write",
    "comment": "create delete write",
    "component": "read write",
    "document": "create delete read write",
    "document:analytics": "read",
    "document_template": "create delete read write",
    "environment": "create delete read update",
    "integration": "create delete read update",
    "link_definition": "create delete read write",
    "mcp_server": "create delete read update",
    "me:identities": "manage",
    "operations_log": "create delete read update",
    "organization": "create delete read update",
    "project": "create delete read write",
    "project:commits": "write",
    "project:configuration": "read read_secrets write",
    "project:deployment": "read write",
    "project:logs": "read",
    "project:pull-requests": "write",
    "project_type": "create delete read update",
    "role": "create delete read update",
    "scoring_policy": "delete read write",
    "search": "read",
    "service_account": "create delete read update",
    "tag": "create delete read write",
    "team": "create delete read update",
    "upload": "create delete read",
    "user": "create delete read update",
    "webhook": "create delete read update",
}
"""Resource type → its actions, as the Imbi API names them."""

PERMISSIONS: tuple[str, ...] = tuple(
    f"{resource}:{action}" for resource in _ACTIONS for action in _ACTIONS[resource].split()
)

_RESTRICTED_READS = frozenset({"auth_providers:read", "mcp_server:read", "project:configuration:read", "webhook:read"})

ROLES = (
    DevelopmentRole(
        "viewer",
        "Viewer",
        "Reads everything that is not about administration.",
        10,
        tuple(
            name
            for name in PERMISSIONS
            if name.endswith(":read") and not name.startswith("admin:") and name not in _RESTRICTED_READS
        ),
    ),
    DevelopmentRole(
        "developer",
        "Developer",
        "Changes projects, records what was done to them, and creates project types.",
        50,
        (
            "comment:create",
            "comment:write",
            "document:create",
            "document:write",
            "me:identities:manage",
            "operations_log:create",
            "operations_log:update",
            "project:commits:write",
            "project:configuration:read",
            "project:create",
            "project:deployment:write",
            "project:pull-requests:write",
            "project:write",
            "project_type:create",
            "project_type:update",
            "tag:create",
            "upload:create",
        ),
        inherits_from="viewer",
    ),
    DevelopmentRole(
        "maintainer",
        "Maintainer",
        "Looks after teams and environments, and removes what is no longer needed.",
        70,
        (
            "document:delete",
            "environment:create",
            "environment:update",
            "link_definition:create",
            "link_definition:write",
            "operations_log:delete",
            "project:configuration:write",
            "project:delete",
            "project_type:delete",
            "tag:delete",
            "tag:write",
            "team:create",
            "team:update",
        ),
        inherits_from="developer",
    ),
    DevelopmentRole(
        "administrator",
        "Administrator",
        "Does everything, the administration of users, roles and integrations included.",
        100,
        PERMISSIONS,
        inherits_from="maintainer",
    ),
    DevelopmentRole(
        "automation",
        "Automation",
        "What the pipelines need: they record releases, deployments and operations.",
        30,
        ("environment:read", "operations_log:create", "organization:read", "project:read", "project:write"),
    ),
)

INHERITS: dict[str, str] = {role.slug: role.inherits_from for role in ROLES if role.inherits_from is not None}
"""Slug of a role → slug of the role that it inherits from."""


def permissions_of(role_slug: str) -> frozenset[str]:
    """Collect the permissions of a role and of all roles that it inherits from; an unknown role has none."""
    role = next((role for role in ROLES if role.slug == role_slug), None)
    if role is None:
        return frozenset()
    inherited = permissions_of(role.inherits_from) if role.inherits_from else frozenset()
    return inherited.union(role.grants)


@dataclass(frozen=True, slots=True)
class _Part:
    """A kind of vertex or edge: how its two-part keys are read, how it is created, and what there is to be.

    `key` names the fields of a row that make its key. Every value is bound as `$rows`; labels are constants.
    """

    name: LiteralString
    read: LiteralString
    create: LiteralString
    key: tuple[str, str]
    rows: tuple[JsonObject, ...]

    def missing(self, present: Collection[_Key]) -> list[JsonValue]:
        """List the rows whose key is not there."""
        return [row for row in self.rows if (self.name, str(row[self.key[0]]), str(row[self.key[1]])) not in present]


_ORGANIZATION: JsonObject = {"slug": ORGANIZATION_SLUG, "name": ORGANIZATION_NAME}

# Vertices come before the edges that join them.
_PARTS = (
    _Part(
        "Organization",
        "MATCH (n:Organization) RETURN n.slug, n.slug",
        "UNWIND $rows AS row CREATE (:Organization {slug: row.slug, name: row.name})",
        ("slug", "slug"),
        (_ORGANIZATION,),
    ),
    _Part(
        "Permission",
        "MATCH (n:Permission) RETURN n.name, n.name",
        "UNWIND $rows AS row CREATE (:Permission {name: row.name})",
        ("name", "name"),
        tuple({"name": name} for name in PERMISSIONS),
    ),
    _Part(
        "Role",
        "MATCH (n:Role) RETURN n.slug, n.slug",
        "UNWIND $rows AS row CREATE (:Role {slug: row.slug, name: row.name, description: row.description})",
        ("slug", "slug"),
        tuple({"slug": role.slug, "name": role.name, "description": role.description} for role in ROLES),
    ),
    _Part(
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
    _Part(
        "ServiceAccount",
        "MATCH (n:ServiceAccount) RETURN n.slug, n.slug",
        "UNWIND $rows AS row "
        "CREATE (:ServiceAccount {slug: row.slug, display_name: row.display_name, is_active: true})",
        ("slug", "slug"),
        tuple({"slug": account.slug, "display_name": account.display_name} for account in SERVICE_ACCOUNTS),
    ),
    _Part(
        "GRANTS",
        "MATCH (r:Role)-[:GRANTS]->(p:Permission) RETURN r.slug, p.name",
        "UNWIND $rows AS row MATCH (r:Role), (p:Permission) WHERE r.slug = row.role AND p.name = row.permission "
        "CREATE (r)-[:GRANTS]->(p)",
        ("role", "permission"),
        tuple({"role": role.slug, "permission": name} for role in ROLES for name in role.grants),
    ),
    _Part(
        "INHERITS_FROM",
        "MATCH (r:Role)-[:INHERITS_FROM]->(p:Role) RETURN r.slug, p.slug",
        "UNWIND $rows AS row MATCH (r:Role), (p:Role) WHERE r.slug = row.role AND p.slug = row.parent "
        "CREATE (r)-[:INHERITS_FROM]->(p)",
        ("role", "parent"),
        tuple({"role": role, "parent": parent} for role, parent in INHERITS.items()),
    ),
    _Part(
        "User MEMBER_OF",
        "MATCH (u:User)-[:MEMBER_OF]->(o:Organization) RETURN u.email, o.slug",
        "UNWIND $rows AS row MATCH (u:User), (o:Organization) WHERE u.email = row.email AND o.slug = row.organization "
        "CREATE (u)-[:MEMBER_OF {role: row.role}]->(o)",
        ("email", "organization"),
        tuple({"email": user.email, "organization": ORGANIZATION_SLUG, "role": user.role} for user in USERS),
    ),
    _Part(
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


# AGE finds the operators of an edge's pattern by the search path; the lock keeps two starts from seeding side by side.
_PREPARE = "SELECT set_config('search_path', 'ag_catalog, public', true), pg_advisory_xact_lock(hashtext(%s))"


async def seed(connection: AsyncConnection, graph_name: str) -> None:
    """Write to the graph what it does not have yet; where nothing is missing this is one read.

    The graph, its labels and its indexes must exist. What is there is left as it is.
    """
    async with connection.transaction():
        await connection.execute(_PREPARE, [f"seed {graph_name}"])
        for part, rows in await _missing(connection, graph_name):
            await connection.execute(_cypher(graph_name, part.create), [json.dumps({"rows": rows})])


_SERVERS = "MATCH (s:MCPServer) RETURN s.slug, s.slug"
_CREATE_SERVERS = """UNWIND $rows AS row CREATE (:MCPServer {id: row.id, slug: row.slug, name: row.name,
    description: row.description, url: row.url, enabled: true, tool_prefix: row.tool_prefix, timeout: 30,
    verify_ssl: true, auth_type: row.auth_type, oauth_token_url: row.oauth_token_url,
    oauth_client_id: row.oauth_client_id, oauth_client_secret_encrypted: row.oauth_client_secret_encrypted,
    oauth_scope: row.oauth_scope})"""
_MOVE_SERVERS = """UNWIND $rows AS row MATCH (s:MCPServer) WHERE s.slug = row.slug SET s.url = row.url,
    s.oauth_token_url = row.oauth_token_url, s.oauth_client_secret_encrypted = row.oauth_client_secret_encrypted"""


async def register_mcp_servers(connection: AsyncConnection, graph_name: str, servers: Sequence[JsonObject]) -> None:
    """Write the demo MCP servers to the graph: new ones whole, of others only where they are to be found today."""
    part = _Part("MCPServer", _SERVERS, _CREATE_SERVERS, ("slug", "slug"), tuple(servers))
    async with connection.transaction():
        await connection.execute(_PREPARE, [f"seed {graph_name}"])
        cursor = await connection.execute(_keys(graph_name, part))
        missing = part.missing({(name, first, second) for name, first, second in await cursor.fetchall()})
        await connection.execute(_cypher(graph_name, _MOVE_SERVERS), [json.dumps({"rows": [*servers]})])
        await connection.execute(_cypher(graph_name, part.create), [json.dumps({"rows": missing})])


async def _missing(connection: AsyncConnection, graph_name: str) -> list[tuple[_Part, list[JsonValue]]]:
    cursor = await connection.execute(sql.SQL(" UNION ALL ").join(_keys(graph_name, part) for part in _PARTS))
    present: set[_Key] = {(name, first, second) for name, first, second in await cursor.fetchall()}
    return [(part, rows) for part in _PARTS if (rows := part.missing(present))]


def _keys(graph_name: str, part: _Part) -> sql.Composed:
    return sql.SQL(
        "SELECT {name}, ag_catalog.agtype_to_text(a), ag_catalog.agtype_to_text(b) "
        "FROM ag_catalog.cypher({graph}, $$ {cypher} $$) AS (a ag_catalog.agtype, b ag_catalog.agtype)"
    ).format(name=sql.Literal(part.name), graph=sql.Literal(graph_name), cypher=sql.SQL(part.read))


def _cypher(graph_name: str, statement: LiteralString) -> sql.Composed:
    return sql.SQL("SELECT * FROM ag_catalog.cypher({graph}, $$ {cypher} $$, %s) AS (result ag_catalog.agtype)").format(
        graph=sql.Literal(graph_name), cypher=sql.SQL(statement)
    )
