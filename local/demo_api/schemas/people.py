"""Users, service accounts, roles and permissions."""

from datetime import datetime

from pydantic import BaseModel, Field

from local.demo_api.schemas.common import Entity, Slug, now


class OrgMembership(BaseModel):
    """Membership of an organization."""

    organization_name: str
    organization_slug: str
    role: str = Field(description="The role's slug.")


class TeamMembership(BaseModel):
    """Membership of a team."""

    team_name: str
    team_slug: str
    organization_slug: str


class UserResponse(BaseModel):
    """A user."""

    email: str
    display_name: str
    is_active: bool
    is_admin: bool
    is_service_account: bool = False
    created_at: datetime
    last_login: datetime | None = None
    avatar_url: str | None = None
    email_notifications: bool = True
    organizations: list[OrgMembership] = Field([])


class CurrentUserResponse(UserResponse):
    """The caller, with what the caller may do."""

    permissions: list[str] = Field([])
    teams: list[TeamMembership] = Field([])


class ServiceAccountFields(BaseModel):
    """A new service account."""

    slug: Slug
    display_name: str = Field(min_length=1, max_length=128)
    description: str | None = None
    is_active: bool = True
    organization_slug: str
    role_slug: str = Field(description="Slug of the role that it has in the organization.")


class ServiceAccountResponse(BaseModel):
    """A service account: a program that calls the API."""

    slug: str
    display_name: str
    description: str | None = None
    is_active: bool
    created_at: datetime = Field(default_factory=now)
    last_authenticated: datetime | None = None
    organizations: list[OrgMembership] = Field([])


class Permission(BaseModel):
    """Leave to do one thing with one kind of resource."""

    name: str = Field(description="For example `project:write`.")
    resource_type: str
    action: str


class RoleResponse(Entity):
    """A role with its own permissions; those of the parent role come on top."""

    priority: int = 0
    is_system: bool = False
    permissions: list[Permission] = Field([])
    parent_role: str | None = Field(None, description="Slug of the role that it inherits from.")
    user_count: int = 0
