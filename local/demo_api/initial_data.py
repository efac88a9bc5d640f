"""Creates the data that the demo API starts with."""

from __future__ import annotations

import csv
from importlib.resources import files
from random import Random
from typing import TYPE_CHECKING

from local import company
from local.company import blueprints, catalog, people
from local.company.principals import ORGANIZATION_NAME, ORGANIZATION_SLUG, ROLES, SERVICE_ACCOUNTS, USERS
from local.demo_api.collection import Catalog
from local.demo_api.initial_history import deploy, deployment_entries, other_entries, releases_of
from local.demo_api.initial_projects import FOUNDED, build_project
from local.demo_api.schemas.common import stable_id
from local.demo_api.schemas.organizations import (
    Environment,
    LinkDefinition,
    Organization,
    ProjectType,
    Tag,
    Team,
)
from local.demo_api.schemas.people import (
    OrgMembership,
    Permission,
    RoleResponse,
    ServiceAccountResponse,
    UserResponse,
)
from local.demo_api.store import OrganizationData, Store
from local.slugs import slug_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from local.demo_api.schemas.projects import Project

_SEED = 20190304


def create_company(now: datetime) -> Store:
    """Create the company's data as of `now`; apart from the dates, the data are the same at every start."""
    random = Random(_SEED)  # noqa: S311  # fictitious data, the same at every start
    data = _organization()
    store = Store(
        roles=_roles(),
        organizations={ORGANIZATION_SLUG: data},
        users=_users(),
        service_accounts=_service_accounts(),
        blueprints=blueprints.BLUEPRINTS,
    )
    for row in _rows():
        data.projects.put(build_project(data, row, random, now))
    for row in _rows():
        project = data.projects.get(slug_of(row["name"]))
        project.depends_on = [data.projects.get(slug).id for slug in row["depends_on"].split()]
        _add_history(store, data, project, random, now)
    store.operations.sort(key=lambda entry: entry.occurred_at)
    return store


def _rows() -> list[dict[str, str]]:
    text = files(company).joinpath("projects.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _entity_fields(kind: str, fields: Mapping[str, object]) -> dict[str, object]:
    return {**fields, "id": stable_id(kind, str(fields["slug"])), "created_at": FOUNDED}


def _organization() -> OrganizationData:
    fields = {
        "slug": ORGANIZATION_SLUG,
        "name": ORGANIZATION_NAME,
        "description": catalog.ORGANIZATION_DESCRIPTION,
        "icon": "lucide:trees",
    }
    data = OrganizationData(Organization.model_validate(_entity_fields("organization", fields)))
    for facts in catalog.TEAMS:
        fields = {"slug": facts.slug, "name": facts.name, "description": facts.description, "icon": facts.icon}
        team = data.teams.put(Team.model_validate(_entity_fields("team", fields)))
        data.members[team.id] = _member_emails(team.slug)
    for row in catalog.PROJECT_TYPES:
        data.project_types.put(ProjectType.model_validate(_entity_fields("project-type", row)))
    for row in catalog.ENVIRONMENTS:
        data.environments.put(Environment.model_validate(_entity_fields("environment", row)))
    for row in catalog.LINK_DEFINITIONS:
        data.link_definitions.put(LinkDefinition.model_validate(_entity_fields("link-definition", row)))
    for row in catalog.TAGS:
        data.tags.put(Tag.model_validate(_entity_fields("tag", row)))
    return data


def _member_emails(team_slug: str) -> list[str]:
    developers = [email for email, slug in people.DEVELOPMENT_MEMBERS.items() if slug == team_slug]
    return [*(people.email_of(name) for name in people.MEMBERS[team_slug]), *developers]


def _membership(role: str) -> OrgMembership:
    return OrgMembership(organization_name=ORGANIZATION_NAME, organization_slug=ORGANIZATION_SLUG, role=role)


def _users() -> dict[str, UserResponse]:
    facts = [(user.email, user.display_name, user.role, user.is_admin) for user in USERS]
    for names in people.MEMBERS.values():
        facts.extend(
            (people.email_of(name), name, "developer" if place else "maintainer", False)
            for place, name in enumerate(names)
        )
    return {
        email: UserResponse(
            email=email,
            display_name=name,
            is_active=True,
            is_admin=is_admin,
            created_at=FOUNDED,
            organizations=[_membership(role)],
        )
        for email, name, role, is_admin in facts
    }


def _service_accounts() -> dict[str, ServiceAccountResponse]:
    return {
        account.slug: ServiceAccountResponse(
            slug=account.slug,
            display_name=account.display_name,
            description=account.description,
            is_active=True,
            created_at=FOUNDED,
            organizations=[_membership(account.role)],
        )
        for account in SERVICE_ACCOUNTS
    }


def _roles() -> Catalog[RoleResponse]:
    return Catalog(
        "Role",
        (
            RoleResponse(
                id=stable_id("role", role.slug),
                created_at=FOUNDED,
                name=role.name,
                slug=role.slug,
                description=role.description,
                priority=role.priority,
                is_system=True,
                permissions=[_permission(name) for name in sorted(role.grants)],
                parent_role=role.inherits_from,
            )
            for role in ROLES
        ),
    )


def _permission(name: str) -> Permission:
    resource_type, _, action = name.rpartition(":")
    return Permission(name=name, resource_type=resource_type, action=action)


def _add_history(store: Store, data: OrganizationData, project: Project, random: Random, now: datetime) -> None:
    emails = data.members[project.team_id]
    environments = data.environments_of(project)
    types = [data.project_types.by_id(type_id) for type_id in project.type_ids]
    if any(project_type.releasable for project_type in types):
        project.releases.extend(releases_of(project, emails, random, now))
    if environments and project.releases:
        deploy(project, environments, random, now)
        store.operations.extend(deployment_entries(project, environments, now))
    if environments:
        store.operations.extend(other_entries(project, environments, emails, random, now))
