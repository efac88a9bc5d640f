"""Builds responses from the stored data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_api.schemas.common import RelationshipLink
from local.demo_api.schemas.organizations import EnvironmentResponse, ProjectTypeResponse, TeamResponse
from local.demo_api.schemas.projects import (
    EnvironmentRef,
    ProjectListItem,
    ProjectMutationResponse,
    ProjectRelationships,
    ProjectRelationshipSummary,
    ProjectTypeRef,
    SlimEnvironment,
    SlimProjectType,
    SlimRef,
)
from local.demo_api.schemas.releases import (
    CurrentReleaseEnvironment,
    LatestDeployment,
    ReleaseEnvironmentRef,
    ReleaseInfo,
)
from local.demo_api.scoring import breakdown_of, score_of

if TYPE_CHECKING:
    from local.demo_api.schemas.organizations import Environment, ProjectType, Team
    from local.demo_api.schemas.projects import Project
    from local.demo_api.schemas.releases import DeploymentEvent, Release
    from local.demo_api.store import OrganizationData


def team_response(data: OrganizationData, team: Team) -> TeamResponse:
    """Build the response for a team."""
    members = f"{data.href}/teams/{team.slug}/members"
    relationships = {
        "projects": RelationshipLink(href=f"{data.href}/projects/", count=len(data.projects_of_team(team))),
        "members": RelationshipLink(href=members, count=len(data.members.get(team.id, []))),
    }
    return TeamResponse(**team.model_dump(), organization=data.organization, relationships=relationships)


def project_type_response(data: OrganizationData, project_type: ProjectType) -> ProjectTypeResponse:
    """Build the response for a project type."""
    link = RelationshipLink(
        href=f"{data.href}/projects/?project_type={project_type.slug}", count=len(data.projects_of_type(project_type))
    )
    return ProjectTypeResponse(
        **project_type.model_dump(), organization=data.organization, relationships={"projects": link}
    )


def environment_response(data: OrganizationData, environment: Environment) -> EnvironmentResponse:
    """Build the response for an environment."""
    link = RelationshipLink(href=f"{data.href}/projects/", count=len(data.projects_in(environment)))
    return EnvironmentResponse(
        **environment.model_dump(), organization=data.organization, relationships={"projects": link}
    )


def current_release(project: Project, environment: Environment) -> CurrentReleaseEnvironment:
    """Build an environment's current release: the newest successful deployment, and a newer unsuccessful one."""
    attempts = sorted(
        ((release, events[-1]) for release in project.releases if (events := release.deployments.get(environment.id))),
        key=lambda attempt: attempt[1].timestamp,
        reverse=True,
    )
    served = next((attempt for attempt in attempts if attempt[1].status == "success"), None)
    newest = attempts[0] if attempts else None
    release, event = served or (None, None)
    return CurrentReleaseEnvironment(
        environment=ReleaseEnvironmentRef(slug=environment.slug, name=environment.name),
        release=release,
        latest_deployment=_latest_deployment(*newest) if newest and newest is not served else None,
        current_status=event.status if event else None,
        last_event_at=event.timestamp if event else None,
        performed_by=event.performed_by if event else None,
    )


def _latest_deployment(release: Release, event: DeploymentEvent) -> LatestDeployment:
    return LatestDeployment(
        status=event.status, deployed_at=event.timestamp, tag=release.tag, committish=release.committish
    )


def _deployed(data: OrganizationData, project: Project) -> tuple[dict[str, ReleaseInfo], dict[str, LatestDeployment]]:
    """Return the current release and a newer unsuccessful deployment of each environment, by its slug."""
    served: dict[str, ReleaseInfo] = {}
    since: dict[str, LatestDeployment] = {}
    for environment in data.environments_of(project):
        current = current_release(project, environment)
        if current.release is not None and current.last_event_at is not None:
            served[environment.slug] = ReleaseInfo(
                deployed_at=current.last_event_at,
                performed_by=current.performed_by,
                tag=current.release.tag,
                committish=current.release.committish,
            )
        if current.latest_deployment is not None:
            since[environment.slug] = current.latest_deployment
    return served, since


def project_response(
    data: OrganizationData, project: Project, *, with_breakdown: bool = False
) -> ProjectMutationResponse:
    """Build the full response for a project."""
    served, since = _deployed(data, project)
    environments = data.environments_of(project)
    return ProjectMutationResponse.model_validate(
        {
            **project.attributes,
            **project.model_dump(include={"id", "created_at", "updated_at", "name", "slug", "description", "icon"}),
            **project.model_dump(include={"archived_at", "links", "identifiers", "open_pr_count", "closed_pr_count"}),
            "archived": project.archived_at is not None,
            "team": team_response(data, data.teams.by_id(project.team_id)),
            "project_types": [_type_reference(data, type_id) for type_id in project.type_ids],
            "environments": [_environment_reference(data, project, environment) for environment in environments],
            "score": score_of(project),
            "breakdown": breakdown_of(project) if with_breakdown else None,
            "relationships": _relationships(data, project),
            "current_releases": served,
            "latest_deployments": since,
        }
    )


def _type_reference(data: OrganizationData, type_id: str) -> ProjectTypeRef:
    return ProjectTypeRef(**data.project_types.by_id(type_id).model_dump(), organization=data.organization)


def _environment_reference(data: OrganizationData, project: Project, environment: Environment) -> EnvironmentRef:
    fields = {**project.environments[environment.id], **environment.model_dump(), "organization": data.organization}
    return EnvironmentRef.model_validate(fields)


def _relationships(data: OrganizationData, project: Project) -> ProjectRelationships:
    href = f"{data.href}/projects/{project.id}"
    return ProjectRelationships(
        team=RelationshipLink(href=f"{data.href}/teams/{data.teams.by_id(project.team_id).slug}", count=1),
        environments=RelationshipLink(href=f"{href}/releases/current", count=len(project.environments)),
        href=f"{href}/relationships",
        outbound_count=len(project.depends_on),
        inbound_count=len(data.dependents_of(project)),
    )


def project_item(data: OrganizationData, project: Project) -> ProjectListItem:
    """Build the short response for a project in a list."""
    served, since = _deployed(data, project)
    team = data.teams.by_id(project.team_id)
    types = (data.project_types.by_id(type_id) for type_id in project.type_ids)
    return ProjectListItem(
        **project.model_dump(include={"id", "name", "slug", "description", "open_pr_count", "closed_pr_count"}),
        archived=project.archived_at is not None,
        score=score_of(project),
        team=SlimRef(name=team.name, slug=team.slug),
        project_types=[SlimProjectType.model_validate(each, from_attributes=True) for each in types],
        environments=[
            SlimEnvironment.model_validate(each, from_attributes=True) for each in data.environments_of(project)
        ],
        current_releases=served,
        latest_deployments=since,
    )


def relationship_summary(data: OrganizationData, project: Project) -> ProjectRelationshipSummary:
    """Build the summary of a project at the other end of a dependency."""
    project_type = data.project_types.by_id(project.type_ids[0])
    return ProjectRelationshipSummary(
        id=project.id,
        name=project.name,
        slug=project.slug,
        namespace=data.teams.by_id(project.team_id).slug,
        project_type=project_type.slug,
        project_type_icon=project_type.icon,
        deprecated=project.attributes.get("lifecycle") == "deprecated",
    )
