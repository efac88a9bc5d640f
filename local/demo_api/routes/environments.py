"""Environments."""

from fastapi import APIRouter, Depends, status

from local.demo_api.auth import OrganizationOf, Requires
from local.demo_api.patching import patched
from local.demo_api.schemas.common import PatchOperation, now
from local.demo_api.schemas.organizations import Environment, EnvironmentFields, EnvironmentResponse
from local.demo_api.views import environment_response

router = APIRouter(prefix="/organizations/{org_slug}/environments", tags=["Organizations", "Environments"])
_READ = Depends(Requires("environment:read"))


@router.post("/", status_code=status.HTTP_201_CREATED, dependencies=[Depends(Requires("environment:create"))])
async def create_environment(organization: OrganizationOf, environment: EnvironmentFields) -> EnvironmentResponse:
    """Create a new environment in an organization.

    Answers 409 where an environment has the slug already.
    """
    created = organization.environments.put(Environment.model_validate(environment.model_dump()))
    return environment_response(organization, created)


@router.get("/", dependencies=[_READ])
async def list_environments(organization: OrganizationOf) -> list[EnvironmentResponse]:
    """List all environments in an organization, ordered by sort_order, then by name."""
    environments = sorted(organization.environments, key=lambda each: (each.sort_order, each.name))
    return [environment_response(organization, environment) for environment in environments]


@router.get("/{slug}", dependencies=[_READ])
async def get_environment(organization: OrganizationOf, slug: str) -> EnvironmentResponse:
    """Get an environment by slug."""
    return environment_response(organization, organization.environments.get(slug))


@router.patch("/{slug}", dependencies=[Depends(Requires("environment:update"))])
async def patch_environment(
    organization: OrganizationOf, slug: str, operations: list[PatchOperation]
) -> EnvironmentResponse:
    """Partially update an environment using JSON Patch (RFC 6902).

    Writable paths: `/name`, `/slug`, `/description`, `/icon`, `/sort_order`, `/label_color`, `/can_deploy`,
    `/can_promote`. Answers 400 for a read-only path, 409 for a slug that another environment has.
    """
    environment = organization.environments.get(slug)
    written = EnvironmentFields(**environment.model_dump(include=set(EnvironmentFields.model_fields)))
    fields = patched(written, operations)
    changed = environment.model_copy(update={**fields.model_dump(), "updated_at": now()})
    return environment_response(organization, organization.environments.put(changed))
