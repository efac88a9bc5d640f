"""Organizations."""

from fastapi import APIRouter, Depends, status

from local.demo_api.auth import Requires, StoreOf
from local.demo_api.errors import Conflict
from local.demo_api.schemas.organizations import Organization, OrganizationFields, OrganizationMember
from local.demo_api.store import OrganizationData

router = APIRouter(prefix="/organizations", tags=["Organizations"])
_READ = Depends(Requires("organization:read"))


@router.get("/", dependencies=[_READ])
async def list_organizations(store: StoreOf) -> list[Organization]:
    """Retrieve all organizations ordered by name.

    Nearly every other operation needs an organization's `slug` as its `org_slug`: look it up here first.
    """
    return sorted((data.organization for data in store.organizations.values()), key=lambda each: each.name)


@router.post("/", status_code=status.HTTP_201_CREATED, dependencies=[Depends(Requires("organization:create"))])
async def create_organization(organization: OrganizationFields, store: StoreOf) -> Organization:
    """Create a new organization.

    Answers 409 where an organization has the slug already.
    """
    if organization.slug in store.organizations:
        raise Conflict(f"Organization with slug {organization.slug!r} already exists")
    data = OrganizationData(Organization.model_validate(organization.model_dump()))
    store.organizations[organization.slug] = data
    return data.organization


@router.get("/{slug}", dependencies=[_READ])
async def get_organization(slug: str, store: StoreOf) -> Organization:
    """Retrieve an organization by slug."""
    return store.organization(slug).organization


@router.get("/{slug}/members", dependencies=[_READ])
async def list_organization_members(slug: str, store: StoreOf) -> list[OrganizationMember]:
    """List all members of an organization with their roles, ordered by email."""
    store.organization(slug)
    return [
        OrganizationMember(email=user.email, display_name=user.display_name, role=membership.role)
        for user in sorted(store.users.values(), key=lambda user: user.email)
        for membership in user.organizations
        if membership.organization_slug == slug
    ]
