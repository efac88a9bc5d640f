"""The company's users, service account, roles and permissions, shared by the demo graph and the demo Imbi API."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

ORGANIZATION_SLUG = "fernwood"
ORGANIZATION_NAME = "Fernwood Trading"
ADMINISTRATOR_EMAIL = "admin@example.com"
DEVELOPER_EMAIL = "developer@example.com"
VIEWER_EMAIL = "viewer@example.com"


@dataclass(frozen=True, slots=True)
class DevelopmentUser:
    """A user; the `token` command issues access tokens for it."""

    email: str
    display_name: str
    role: str
    is_admin: bool = False

    @property
    def id(self) -> str:
        """The user's id; it is derived from the email, so that it never changes."""
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
    """A role; `grants` are its permissions beyond those of the role that it inherits from."""

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
"""The actions on each resource type, named as in the Imbi API."""

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
"""The slug of each inheriting role, with the slug of the role that it inherits from."""


def permissions_of(role_slug: str) -> frozenset[str]:
    """Return the permissions of a role and of all roles that it inherits from; an unknown role has none."""
    role = next((role for role in ROLES if role.slug == role_slug), None)
    if role is None:
        return frozenset()
    inherited = permissions_of(role.inherits_from) if role.inherits_from else frozenset()
    return inherited.union(role.grants)
