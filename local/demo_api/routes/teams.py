"""Teams and their members."""

from fastapi import APIRouter, Depends, status

from local.demo_api.auth import OrganizationOf, Requires, StoreOf
from local.demo_api.errors import Conflict, NotFound
from local.demo_api.patching import patched
from local.demo_api.schemas.common import PatchOperation, now
from local.demo_api.schemas.organizations import (
    Team,
    TeamFields,
    TeamMember,
    TeamMemberAdded,
    TeamMemberFields,
    TeamResponse,
)
from local.demo_api.views import team_response

router = APIRouter(prefix="/organizations/{org_slug}/teams", tags=["Organizations", "Teams"])
_READ = Depends(Requires("team:read"))
_UPDATE = Depends(Requires("team:update"))


@router.post("/", status_code=status.HTTP_201_CREATED, dependencies=[Depends(Requires("team:create"))])
async def create_team(organization: OrganizationOf, team: TeamFields) -> TeamResponse:
    """Create a new team in an organization.

    Answers 409 where a team has the slug already.
    """
    return team_response(organization, organization.teams.put(Team.model_validate(team.model_dump())))


@router.get("/", dependencies=[_READ])
async def list_teams(organization: OrganizationOf) -> list[TeamResponse]:
    """List all teams in an organization, ordered by name, each with the number of its projects and members.

    A team's projects are found in the listing of projects: each one there names its `team`.
    """
    return [team_response(organization, team) for team in organization.teams]


@router.get("/{slug}", dependencies=[_READ])
async def get_team(organization: OrganizationOf, slug: str) -> TeamResponse:
    """Get a team by slug."""
    return team_response(organization, organization.teams.get(slug))


@router.patch("/{slug}", dependencies=[_UPDATE])
async def patch_team(organization: OrganizationOf, slug: str, operations: list[PatchOperation]) -> TeamResponse:
    """Partially update a team using JSON Patch (RFC 6902).

    Writable paths: `/name`, `/slug`, `/description`, `/icon`. To rename a team:
    `[{"op": "replace", "path": "/name", "value": "New name"}]`. Answers 400 for a read-only path, 409 for a slug
    that another team has, 422 where a `test` fails.
    """
    team = organization.teams.get(slug)
    fields = patched(TeamFields(**team.model_dump(include=set(TeamFields.model_fields))), operations)
    changed = team.model_copy(update={**fields.model_dump(), "updated_at": now()})
    return team_response(organization, organization.teams.put(changed))


@router.delete("/{slug}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Depends(Requires("team:delete"))])
async def delete_team(organization: OrganizationOf, slug: str) -> None:
    """Delete a team.

    Answers 409 while the team owns projects.
    """
    team = organization.teams.get(slug)
    if projects := organization.projects_of_team(team):
        raise Conflict(f"Team {slug!r} still owns {len(projects)} projects")
    organization.teams.remove(team)


@router.get("/{slug}/members", dependencies=[_READ])
async def list_team_members(organization: OrganizationOf, slug: str, store: StoreOf) -> list[TeamMember]:
    """List the members of a team; the first one leads it."""
    emails = organization.members.get(organization.teams.get(slug).id, [])
    return [TeamMember(email=email, display_name=store.user(email).display_name) for email in emails]


@router.post("/{slug}/members", status_code=status.HTTP_201_CREATED, dependencies=[_UPDATE])
async def add_team_member(
    organization: OrganizationOf, slug: str, member: TeamMemberFields, store: StoreOf
) -> TeamMemberAdded:
    """Add a user to a team; nothing happens where the user is a member already."""
    emails = organization.members.setdefault(organization.teams.get(slug).id, [])
    email = store.user(member.email).email
    if email not in emails:
        emails.append(email)
    return TeamMemberAdded(email=email, team=slug)


@router.delete("/{slug}/members/{email}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[_UPDATE])
async def remove_team_member(organization: OrganizationOf, slug: str, email: str) -> None:
    """Remove a user from a team."""
    emails = organization.members.get(organization.teams.get(slug).id, [])
    if email not in emails:
        raise NotFound(f"{email!r} is not a member of team {slug!r}")
    emails.remove(email)
