"""Releases of a project and their deployments."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, status
from pydantic import BaseModel, Field

from local.demo_api.auth import CallerOf, OrganizationOf, Requires
from local.demo_api.errors import Conflict, NotFound, Unprocessable
from local.demo_api.schemas.organizations import Environment
from local.demo_api.schemas.projects import Project
from local.demo_api.schemas.releases import (
    CurrentReleaseEnvironment,
    DeploymentEvent,
    DeploymentEventInput,
    Release,
    ReleaseCreate,
    ReleaseEnvironmentEdgeResponse,
    ReleaseEnvironmentRef,
    ReleaseResponse,
)
from local.demo_api.views import current_release

router = APIRouter(
    prefix="/organizations/{org_slug}/projects/{project_id}/releases", tags=["Organizations", "Releases"]
)
_READ = Depends(Requires("project:read"))
_WRITE = Depends(Requires("project:write"))


class ReleaseQuery(BaseModel):
    """Filters of the list of releases."""

    committish: str | None = Field(None, description="Only the release of this 7-character commit.")
    tag: str | None = Field(None, description="Only the release with this tag, for example `2.4.0`.")


@router.post("/", status_code=status.HTTP_201_CREATED, dependencies=[_WRITE])
async def create_release(
    organization: OrganizationOf, project_id: str, release: ReleaseCreate, caller: CallerOf
) -> ReleaseResponse:
    """Create a new release for a project.

    Answers 409 where a release of the project has the tag already.
    """
    project = organization.projects.by_id(project_id)
    if release.tag is not None and any(other.tag == release.tag for other in project.releases):
        raise Conflict(f"Project {project.name!r} has a release {release.tag!r} already")
    author = release.created_by or caller.subject
    created = Release(**release.model_dump(exclude={"created_by"}), project_id=project.id, created_by=author)
    project.releases.insert(0, created)
    return created


@router.get("/", dependencies=[_READ])
async def list_releases(
    organization: OrganizationOf, project_id: str, query: Annotated[ReleaseQuery, Query()]
) -> list[ReleaseResponse]:
    """List the releases of a project, newest first."""
    return [
        release
        for release in organization.projects.by_id(project_id).releases
        if query.committish in {None, release.committish} and query.tag in {None, release.tag}
    ]


@router.get("/current", dependencies=[_READ])
async def list_current_releases(organization: OrganizationOf, project_id: str) -> list[CurrentReleaseEnvironment]:
    """List the release that each environment of a project serves: which version runs where, and since when.

    It is the newest deployment that succeeded; `latest_deployment` is a newer one in flight or failed. Environments
    without a deployment have `release` null. Ordered by the environments' sort_order.
    """
    project = organization.projects.by_id(project_id)
    return [current_release(project, environment) for environment in organization.environments_of(project)]


@router.get("/{release_id}", dependencies=[_READ])
async def get_release(organization: OrganizationOf, project_id: str, release_id: str) -> ReleaseResponse:
    """Get a single release by id."""
    return _release(organization.projects.by_id(project_id), release_id)


@router.get("/{release_id}/environments", dependencies=[_READ])
async def list_deployment_edges(
    organization: OrganizationOf, project_id: str, release_id: str
) -> list[ReleaseEnvironmentEdgeResponse]:
    """List the environments that a release was deployed to, with each deployment's events."""
    project = organization.projects.by_id(project_id)
    release = _release(project, release_id)
    return [
        _deployment(release, environment)
        for environment in organization.environments_of(project)
        if environment.id in release.deployments
    ]


@router.post("/{release_id}/environments/{env_slug}", dependencies=[_WRITE])
async def record_deployment(
    organization: OrganizationOf,
    project_id: str,
    release_id: str,
    env_slug: str,
    event: DeploymentEventInput,
    caller: CallerOf,
) -> ReleaseEnvironmentEdgeResponse:
    """Record a deployment event for a release in an environment.

    Answers 422 where the project is not deployed to the environment.
    """
    project = organization.projects.by_id(project_id)
    release = _release(project, release_id)
    environment = next((each for each in organization.environments_of(project) if each.slug == env_slug), None)
    if environment is None:
        raise Unprocessable(f"Project {project.name!r} is not deployed to {env_slug!r}")
    recorded = DeploymentEvent(**event.model_dump(), performed_by=caller.subject)
    release.deployments.setdefault(environment.id, []).append(recorded)
    return _deployment(release, environment)


def _release(project: Project, release_id: str) -> Release:
    for release in project.releases:
        if release.id == release_id:
            return release
    raise NotFound(f"Release with id {release_id!r} not found")


def _deployment(release: Release, environment: Environment) -> ReleaseEnvironmentEdgeResponse:
    events = release.deployments[environment.id]
    return ReleaseEnvironmentEdgeResponse(
        environment=ReleaseEnvironmentRef(slug=environment.slug, name=environment.name),
        deployments=events,
        current_status=events[-1].status,
    )
