"""Projects."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, status
from pydantic import BaseModel, Field

from local.demo_api.auth import OrganizationOf, Requires, StoreOf
from local.demo_api.filters import parse_filters
from local.demo_api.patching import patched
from local.demo_api.project_fields import to_client_fields, to_project
from local.demo_api.schemas.common import PatchOperation, now
from local.demo_api.schemas.projects import (
    BlueprintSection,
    ProjectCreate,
    ProjectDeletedResponse,
    ProjectListItem,
    ProjectMutationResponse,
    ProjectResponse,
    ProjectSchemaResponse,
)
from local.demo_api.views import project_item, project_response

router = APIRouter(prefix="/organizations/{org_slug}/projects", tags=["Organizations", "Projects"])
_READ = Depends(Requires("project:read"))
_WRITE = Depends(Requires("project:write"))


class ProjectListQuery(BaseModel):
    """Filters and options of the list of projects."""

    project_type: str | None = Field(None, description="Only projects of the type with this slug.")
    include_archived: bool = Field(default=False, description="Archived projects, too.")
    slim: bool = Field(
        default=False,
        description="Only id, name, slug, description, score, team, project types, environments, pull request counts "
        "and current releases of each project: a tenth of the size. Recommended unless attributes or links are needed.",
    )
    filter: list[str] | None = Field(
        None,
        description="Filter projects by blueprint attribute, as `field:op[:value]` (repeatable; combined with AND). "
        "Operators: eq, ne, in, not_in (comma-separated values), exists, not_exists. ne/not_in exclude projects where "
        "the attribute is unset. Valid fields and enum values per project type come from the project-type listing "
        "with `include_schema=true`. Examples: `programming_language:eq:Python`, `criticality:in:tier-1,tier-2`, "
        "`on_call:not_exists`",
    )


class ProjectQuery(BaseModel):
    """Options of a single project."""

    breakdown: bool = Field(default=False, description="How the score came about, policy by policy.")


@router.post("/", status_code=status.HTTP_201_CREATED, dependencies=[Depends(Requires("project:create"))])
async def create_project(
    organization: OrganizationOf, project: ProjectCreate, store: StoreOf
) -> ProjectMutationResponse:
    """Create a new project in an organization.

    Blueprint-defined attributes, such as `programming_language`, go beside the other properties; which ones there are
    says the project-type listing with `include_schema=true`. Answers 409 where a project has the slug already, 422 for
    a team, type, environment or attribute that does not exist.
    """
    created = organization.projects.put(to_project(store, organization, project))
    return project_response(organization, created)


@router.get("/", response_model=list[ProjectListItem] | list[ProjectResponse], dependencies=[_READ])
async def list_projects(
    organization: OrganizationOf, query: Annotated[ProjectListQuery, Query()], store: StoreOf
) -> list[ProjectListItem] | list[ProjectMutationResponse]:
    """List projects in the organization, ordered by name.

    By default archived projects are excluded. `filter` predicates match against blueprint-defined attributes (for
    example `framework`, `programming_language`, `criticality`, `lifecycle`). `slim=true` strips the answer to what a
    list needs, the team of each project included.
    """
    predicates = parse_filters(query.filter or [], store.attributes())
    type_ids = {each.id for each in organization.project_types if query.project_type in {None, each.slug}}
    found = [
        project
        for project in organization.projects
        if (query.include_archived or project.archived_at is None)
        and type_ids.intersection(project.type_ids)
        and all(predicate.matches(project.attributes) for predicate in predicates)
    ]
    if query.slim:
        return [project_item(organization, project) for project in found]
    return [project_response(organization, project) for project in found]


@router.get("/{project_id}", dependencies=[_READ])
async def get_project(
    organization: OrganizationOf, project_id: str, query: Annotated[ProjectQuery, Query()]
) -> ProjectResponse:
    """Get a project by ID, with its attributes, links, environments and current releases.

    The ID is not the slug: it comes from the project listing or from the search.
    """
    project = organization.projects.by_id(project_id)
    return project_response(organization, project, with_breakdown=query.breakdown)


@router.patch("/{project_id}", dependencies=[_WRITE])
async def patch_project(
    organization: OrganizationOf, project_id: str, operations: list[PatchOperation], store: StoreOf
) -> ProjectMutationResponse:
    """Partially update a project using JSON Patch (RFC 6902).

    Writable paths: `/name`, `/slug`, `/description`, `/icon`, `/team_slug`, `/project_type_slugs`, `/environments`,
    `/links/{link_slug}`, `/identifiers`, and each blueprint-defined attribute, such as `/lifecycle`. To rename a
    project: `[{"op": "replace", "path": "/name", "value": "New name"}]`. Use `add` for what is not set yet.

    Answers 400 for an invalid patch or a read-only path, 404 for an unknown project, 409 for a slug that another
    project has, 422 where a `test` fails or a team, type, environment or attribute value does not exist.
    """
    project = organization.projects.by_id(project_id)
    fields = patched(to_client_fields(organization, project), operations)
    changed = to_project(store, organization, fields, project)
    return project_response(organization, organization.projects.put(changed))


@router.delete("/{project_id}", dependencies=[Depends(Requires("project:delete"))])
async def delete_project(organization: OrganizationOf, project_id: str) -> ProjectDeletedResponse:
    """Delete a project for good, with its releases and dependencies; archiving it keeps them."""
    project = organization.projects.by_id(project_id)
    for dependent in organization.dependents_of(project):
        dependent.depends_on.remove(project.id)
    organization.projects.remove(project)
    return ProjectDeletedResponse(lifecycle_results=[])


@router.get("/{project_id}/schema", dependencies=[_READ])
async def get_project_schema(organization: OrganizationOf, project_id: str, store: StoreOf) -> ProjectSchemaResponse:
    """Return the attributes that a project can have, grouped by the blueprint that defines them."""
    project = organization.projects.by_id(project_id)
    types = [organization.project_types.by_id(type_id) for type_id in project.type_ids]
    return ProjectSchemaResponse(
        sections=[
            BlueprintSection.model_validate(blueprint, from_attributes=True)
            for blueprint in store.project_blueprints(types)
        ]
    )


@router.post("/{project_id}/archive", dependencies=[_WRITE])
async def archive_project(organization: OrganizationOf, project_id: str) -> ProjectMutationResponse:
    """Archive a project (soft-hide from default listings)."""
    project = organization.projects.by_id(project_id)
    project.archived_at = project.archived_at or now()
    return project_response(organization, project)


@router.post("/{project_id}/unarchive", dependencies=[_WRITE])
async def unarchive_project(organization: OrganizationOf, project_id: str) -> ProjectMutationResponse:
    """Restore an archived project to the active state."""
    project = organization.projects.by_id(project_id)
    project.archived_at = None
    return project_response(organization, project)
