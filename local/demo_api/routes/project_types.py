"""Project types."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, status
from pydantic import BaseModel, Field

from local.demo_api.auth import OrganizationOf, Requires, StoreOf
from local.demo_api.errors import Conflict
from local.demo_api.patching import patched
from local.demo_api.schemas.common import PatchOperation, now
from local.demo_api.schemas.organizations import (
    FilterableAttribute,
    ProjectType,
    ProjectTypeFields,
    ProjectTypeResponse,
)
from local.demo_api.store import Store
from local.demo_api.views import project_type_response

router = APIRouter(prefix="/organizations/{org_slug}/project-types", tags=["Organizations", "Project Types"])
_READ = Depends(Requires("project_type:read"))


class ProjectTypeQuery(BaseModel):
    """Options of the list of project types."""

    include_schema: bool = Field(
        default=False,
        description="Adds to each type a `schema`: the blueprint-defined attributes (`field`, `type`, `format`, "
        "`enum`) that its projects can be filtered by, with the `filter` parameter of the project listing.",
    )


@router.post("/", status_code=status.HTTP_201_CREATED, dependencies=[Depends(Requires("project_type:create"))])
async def create_project_type(organization: OrganizationOf, project_type: ProjectTypeFields) -> ProjectTypeResponse:
    """Create a new project type in an organization.

    Answers 409 where a project type has the slug already.
    """
    created = organization.project_types.put(ProjectType.model_validate(project_type.model_dump()))
    return project_type_response(organization, created)


@router.get("/", dependencies=[_READ])
async def list_project_types(
    organization: OrganizationOf, query: Annotated[ProjectTypeQuery, Query()], store: StoreOf
) -> list[ProjectTypeResponse]:
    """List all project types in an organization, ordered by name.

    Ask with `include_schema=true` before projects are searched by an attribute: the answer has the names of the
    attributes and their possible values.
    """
    responses = [project_type_response(organization, project_type) for project_type in organization.project_types]
    if query.include_schema:
        for response in responses:
            response.attributes = _attributes(store, response)
    return responses


def _attributes(store: Store, project_type: ProjectType) -> list[FilterableAttribute]:
    return [
        FilterableAttribute.model_validate({"field": name, "type": None, **schema})
        for name, schema in sorted(store.attributes([project_type]).items())
    ]


@router.get("/{slug}", dependencies=[_READ])
async def get_project_type(organization: OrganizationOf, slug: str) -> ProjectTypeResponse:
    """Get a project type by slug."""
    return project_type_response(organization, organization.project_types.get(slug))


@router.patch("/{slug}", dependencies=[Depends(Requires("project_type:update"))])
async def patch_project_type(
    organization: OrganizationOf, slug: str, operations: list[PatchOperation]
) -> ProjectTypeResponse:
    """Partially update a project type using JSON Patch (RFC 6902).

    Writable paths: `/name`, `/slug`, `/description`, `/icon`, `/deployable`, `/releasable`. Answers 400 for a
    read-only path, 409 for a slug that another type has, 422 where a `test` fails.
    """
    project_type = organization.project_types.get(slug)
    written = ProjectTypeFields(**project_type.model_dump(include=set(ProjectTypeFields.model_fields)))
    fields = patched(written, operations)
    changed = project_type.model_copy(update={**fields.model_dump(), "updated_at": now()})
    return project_type_response(organization, organization.project_types.put(changed))


@router.delete(
    "/{slug}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Depends(Requires("project_type:delete"))]
)
async def delete_project_type(organization: OrganizationOf, slug: str) -> None:
    """Delete a project type.

    Answers 409 while projects are of this type.
    """
    project_type = organization.project_types.get(slug)
    if projects := organization.projects_of_type(project_type):
        raise Conflict(f"{len(projects)} projects are still of type {slug!r}")
    organization.project_types.remove(project_type)
