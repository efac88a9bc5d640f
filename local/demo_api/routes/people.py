"""Users, service accounts and roles."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, status
from pydantic import BaseModel, Field

from local.demo_api.auth import CallerOf, Requires, StoreOf
from local.demo_api.errors import Conflict, Forbidden
from local.demo_api.schemas.people import (
    CurrentUserResponse,
    OrgMembership,
    RoleResponse,
    ServiceAccountFields,
    ServiceAccountResponse,
    TeamMembership,
    UserResponse,
)
from local.demo_api.store import Store

users = APIRouter(prefix="/users", tags=["Users"])
service_accounts = APIRouter(prefix="/service-accounts", tags=["Service Accounts"])
roles = APIRouter(prefix="/roles", tags=["Roles"])
_READ_USERS = Depends(Requires("user:read"))
_READ_ROLES = Depends(Requires("role:read"))
_READ_SERVICE_ACCOUNTS = Depends(Requires("service_account:read"))


class ServiceAccountQuery(BaseModel):
    """Filters of the list of service accounts."""

    is_active: bool | None = Field(None, description="Only active ones, or only inactive ones.")


class UserQuery(ServiceAccountQuery):
    """Filters of the list of users."""

    is_admin: bool | None = Field(None, description="Only administrators, or only the others.")


@users.get("/", dependencies=[_READ_USERS])
async def list_users(query: Annotated[UserQuery, Query()], store: StoreOf) -> list[UserResponse]:
    """Retrieve all users, ordered by email, with their organizations and roles."""
    return [
        user
        for user in sorted(store.users.values(), key=lambda user: user.email)
        if query.is_active in {None, user.is_active} and query.is_admin in {None, user.is_admin}
    ]


@users.get("/me")
async def get_current_user_profile(caller: CallerOf, store: StoreOf) -> CurrentUserResponse:
    """Return the caller's own profile, permissions and teams.

    Answers 403 to service accounts.
    """
    if caller.is_service_account:
        raise Forbidden("A service account has no profile")
    user = store.user(caller.subject)
    return CurrentUserResponse(
        **user.model_dump(), permissions=sorted(caller.permissions), teams=_teams_of(store, caller.subject)
    )


def _teams_of(store: Store, email: str) -> list[TeamMembership]:
    return [
        TeamMembership(team_name=team.name, team_slug=team.slug, organization_slug=data.organization.slug)
        for data in store.organizations.values()
        for team in data.teams
        if email in data.members.get(team.id, [])
    ]


@users.get("/{email}", dependencies=[_READ_USERS])
async def get_user(email: str, store: StoreOf) -> UserResponse:
    """Retrieve a user by email, with organizations and roles."""
    return store.user(email)


@service_accounts.get("", dependencies=[_READ_SERVICE_ACCOUNTS])
async def list_service_accounts(
    query: Annotated[ServiceAccountQuery, Query()], store: StoreOf
) -> list[ServiceAccountResponse]:
    """List all service accounts, ordered by slug."""
    accounts = sorted(store.service_accounts.values(), key=lambda account: account.slug)
    return [account for account in accounts if query.is_active in {None, account.is_active}]


@service_accounts.post(
    "", status_code=status.HTTP_201_CREATED, dependencies=[Depends(Requires("service_account:create"))]
)
async def create_service_account(account: ServiceAccountFields, store: StoreOf) -> ServiceAccountResponse:
    """Create a new service account in an organization.

    Answers 404 for an unknown organization or role, 409 where a service account has the slug already.
    """
    if account.slug in store.service_accounts:
        raise Conflict(f"Service account with slug {account.slug!r} already exists")
    organization = store.organization(account.organization_slug).organization
    membership = OrgMembership(
        organization_name=organization.name,
        organization_slug=organization.slug,
        role=store.roles.get(account.role_slug).slug,
    )
    created = ServiceAccountResponse(**account.model_dump(), organizations=[membership])
    store.service_accounts[created.slug] = created
    return created


@roles.get("/", dependencies=[_READ_ROLES])
async def list_roles(store: StoreOf) -> list[RoleResponse]:
    """Retrieve all roles with their permissions, ordered by priority (descending), then by name."""
    return [_counted(store, role) for role in sorted(store.roles, key=lambda role: (-role.priority, role.name))]


@roles.get("/{slug}", dependencies=[_READ_ROLES])
async def get_role(slug: str, store: StoreOf) -> RoleResponse:
    """Retrieve a role by its slug with its permissions; those of its parent role come on top."""
    return _counted(store, store.roles.get(slug))


@roles.get("/{slug}/users", dependencies=[_READ_ROLES])
async def list_role_users(slug: str, store: StoreOf) -> list[UserResponse]:
    """Retrieve all users who have this role in an organization."""
    return _users_with(store, store.roles.get(slug).slug)


def _counted(store: Store, role: RoleResponse) -> RoleResponse:
    return role.model_copy(update={"user_count": len(_users_with(store, role.slug))})


def _users_with(store: Store, role_slug: str) -> list[UserResponse]:
    return [
        user for user in store.users.values() if any(membership.role == role_slug for membership in user.organizations)
    ]
