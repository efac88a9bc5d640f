"""Dependencies between projects."""

from fastapi import APIRouter, Depends, status

from local.demo_api.auth import OrganizationOf, Requires
from local.demo_api.errors import BadRequest, NotFound
from local.demo_api.schemas.projects import ProjectRelationship, ProjectRelationshipsResponse
from local.demo_api.views import relationship_summary

router = APIRouter(
    prefix="/organizations/{org_slug}/projects/{project_id}/relationships", tags=["Organizations", "Projects"]
)
_WRITE = Depends(Requires("project:write"))


@router.get("", dependencies=[Depends(Requires("project:read"))])
async def get_project_relationships(organization: OrganizationOf, project_id: str) -> ProjectRelationshipsResponse:
    """List every dependency that touches the project.

    `outbound`: projects that it depends on; `inbound`: projects that depend on it. Inbound ones come first, then by
    name.
    """
    project = organization.projects.by_id(project_id)
    inbound = [
        ProjectRelationship(direction="inbound", project=relationship_summary(organization, other))
        for other in organization.dependents_of(project)
    ]
    outbound = [
        ProjectRelationship(
            direction="outbound", project=relationship_summary(organization, organization.projects.by_id(other_id))
        )
        for other_id in project.depends_on
    ]
    return ProjectRelationshipsResponse(
        relationships=[*inbound, *sorted(outbound, key=lambda relationship: relationship.project.name)]
    )


@router.post("/{target_id}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[_WRITE])
async def create_project_relationship(organization: OrganizationOf, project_id: str, target_id: str) -> None:
    """Make the project depend on the target project; nothing happens where it does already.

    Answers 400 where both are the same project.
    """
    project = organization.projects.by_id(project_id)
    target = organization.projects.by_id(target_id)
    if project.id == target.id:
        raise BadRequest("A project cannot depend on itself")
    if target.id not in project.depends_on:
        project.depends_on.append(target.id)


@router.delete("/{target_id}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[_WRITE])
async def delete_project_relationship(organization: OrganizationOf, project_id: str, target_id: str) -> None:
    """Remove the project's dependency on the target project."""
    project = organization.projects.by_id(project_id)
    if target_id not in project.depends_on:
        raise NotFound(f"Project {project_id!r} does not depend on {target_id!r}")
    project.depends_on.remove(target_id)
