"""The demo API's data in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.company.principals import permissions_of
from local.demo_api.collection import Catalog
from local.demo_api.errors import NotFound
from local.demo_api.schemas.people import RoleResponse, ServiceAccountResponse, UserResponse
from shared.domain.models import Principal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.company.blueprints import BlueprintFacts
    from local.demo_api.schemas.common import JsonObject
    from local.demo_api.schemas.operations import OperationLogResponse
    from local.demo_api.schemas.organizations import (
        Environment,
        LinkDefinition,
        Organization,
        ProjectType,
        Tag,
        Team,
    )
    from local.demo_api.schemas.projects import Project


@dataclass(slots=True)
class OrganizationData:
    """An organization with its data; `members` maps the id of a team to its members' emails."""

    organization: Organization
    teams: Catalog[Team] = field(default_factory=lambda: Catalog("Team"))
    members: dict[str, list[str]] = field(default_factory=dict)
    project_types: Catalog[ProjectType] = field(default_factory=lambda: Catalog("Project type"))
    environments: Catalog[Environment] = field(default_factory=lambda: Catalog("Environment"))
    link_definitions: Catalog[LinkDefinition] = field(default_factory=lambda: Catalog("Link definition"))
    tags: Catalog[Tag] = field(default_factory=lambda: Catalog("Tag"))
    projects: Catalog[Project] = field(default_factory=lambda: Catalog("Project"))

    @property
    def href(self) -> str:
        """The path of the organization in the API."""
        return f"/api/organizations/{self.organization.slug}"

    def projects_of_team(self, team: Team) -> list[Project]:
        """List the projects that a team owns."""
        return [project for project in self.projects if project.team_id == team.id]

    def projects_of_type(self, project_type: ProjectType) -> list[Project]:
        """List the projects of a type."""
        return [project for project in self.projects if project_type.id in project.type_ids]

    def projects_in(self, environment: Environment) -> list[Project]:
        """List the projects that are deployed to an environment."""
        return [project for project in self.projects if environment.id in project.environments]

    def dependents_of(self, project: Project) -> list[Project]:
        """List the projects that depend on a project."""
        return [other for other in self.projects if project.id in other.depends_on]

    def environments_of(self, project: Project) -> list[Environment]:
        """List the environments of a project, lowest first."""
        environments = (self.environments.by_id(environment_id) for environment_id in project.environments)
        return sorted(environments, key=lambda environment: (environment.sort_order, environment.name))


@dataclass(slots=True)
class Store:
    """All data of the demo API."""

    roles: Catalog[RoleResponse]
    organizations: dict[str, OrganizationData] = field(default_factory=dict)
    users: dict[str, UserResponse] = field(default_factory=dict)
    service_accounts: dict[str, ServiceAccountResponse] = field(default_factory=dict)
    blueprints: tuple[BlueprintFacts, ...] = ()
    operations: list[OperationLogResponse] = field(default_factory=list)
    revoked_tokens: set[str] = field(default_factory=set)

    def organization(self, slug: str) -> OrganizationData:
        """Return an organization, or answer 404."""
        if slug not in self.organizations:
            raise NotFound(f"Organization with slug {slug!r} not found")
        return self.organizations[slug]

    def user(self, email: str) -> UserResponse:
        """Return a user, or answer 404."""
        if email not in self.users:
            raise NotFound(f"User with email {email!r} not found")
        return self.users[email]

    def locate(self, project_id: str) -> tuple[OrganizationData, Project]:
        """Return a project and its organization, or answer 404."""
        for data in self.organizations.values():
            if any(project.id == project_id for project in data.projects):
                return data, data.projects.by_id(project_id)
        raise NotFound(f"Project with id {project_id!r} not found")

    def principal(self, subject: str, *, is_service_account: bool) -> Principal | None:
        """Return the user or service account of a token, with its permissions; None if unknown or inactive."""
        account = self.service_accounts.get(subject) if is_service_account else self.users.get(subject)
        if account is None or not account.is_active:
            return None
        granted = (permissions_of(membership.role) for membership in account.organizations)
        return Principal(
            subject=subject,
            display_name=account.display_name,
            is_admin=isinstance(account, UserResponse) and account.is_admin,
            is_service_account=is_service_account,
            permissions=frozenset[str]().union(*granted),
        )

    def project_blueprints(self, types: Iterable[ProjectType] | None = None) -> list[BlueprintFacts]:
        """List the blueprints of projects: those that apply to one of the types, or all of them."""
        nodes = [blueprint for blueprint in self.blueprints if blueprint.edge is None]
        if types is None:
            return nodes
        slugs = {project_type.slug for project_type in types}
        return [
            blueprint
            for blueprint in nodes
            if not blueprint.project_types or slugs.intersection(blueprint.project_types)
        ]

    def attributes(self, types: Iterable[ProjectType] | None = None) -> dict[str, JsonObject]:
        """Merge the attributes that the projects' blueprints define."""
        return {
            name: schema
            for blueprint in self.project_blueprints(types)
            for name, schema in blueprint.properties.items()
        }
