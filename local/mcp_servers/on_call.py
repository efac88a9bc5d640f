"""An MCP server for the demo company's on-call rotas and incidents; it requires no credentials."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from pydantic import BaseModel, Field

from local.company.catalog import TEAMS
from local.company.people import MEMBERS, email_of

_DAYS = 7
_TEAM_NAMES = {team.slug: team.name for team in TEAMS}

TeamSlug = Annotated[str, Field(description="The team's slug, such as `checkout`.")]
Status = Literal["open", "resolved"]


class Shift(BaseModel):
    """The people on call for a team, and the end of their shift."""

    team: str
    team_name: str
    primary: str
    primary_email: str
    secondary: str
    until: datetime


class Incident(BaseModel):
    """An incident in production."""

    number: int
    title: str
    team: str
    severity: Literal["minor", "major", "critical"]
    status: Status
    began_at: datetime
    summary: str


def create_on_call_server() -> FastMCP[None]:
    """Create the server."""
    server: FastMCP[None] = FastMCP("On call", instructions="Rotas and incidents of Fernwood Trading.")
    for tool in (list_team_rotas, list_incidents, get_incident):
        server.tool(tool, annotations={"readOnlyHint": True})
    return server


def list_team_rotas(team_slug: TeamSlug | None = None) -> list[Shift]:
    """List who is on call right now, the primary and the secondary and until when; optionally of one team."""
    if team_slug is not None and team_slug not in MEMBERS:
        raise ToolError(f"There is no team {team_slug!r}; the teams are {', '.join(MEMBERS)}.")
    return [_shift(team, datetime.now(UTC)) for team in MEMBERS if team_slug in (None, team)]


def list_incidents(status: Status | None = None, team_slug: TeamSlug | None = None) -> list[Incident]:
    """List the incidents of the last weeks, newest first; optionally by status and by team."""
    found = [incident for incident in _incidents(datetime.now(UTC)) if status in (None, incident.status)]
    return [incident for incident in found if team_slug in (None, incident.team)]


def get_incident(number: int) -> Incident:
    """Get an incident by its number, with what was found out about it."""
    found = next((incident for incident in _incidents(datetime.now(UTC)) if incident.number == number), None)
    if found is None:
        raise ToolError(f"There is no incident {number}.")
    return found


def _shift(team: str, now: datetime) -> Shift:
    """Return the current shift of a team; members take turns, and shifts change on Mondays at 9:00 UTC."""
    monday = (now - timedelta(hours=9)).replace(hour=9, minute=0, second=0, microsecond=0)
    monday -= timedelta(days=monday.weekday())
    week = monday.toordinal() // _DAYS
    members = MEMBERS[team]
    primary, secondary = members[week % len(members)], members[(week + 1) % len(members)]
    return Shift(
        team=team,
        team_name=_TEAM_NAMES[team],
        primary=primary,
        primary_email=email_of(primary),
        secondary=secondary,
        until=monday + timedelta(days=_DAYS),
    )


def _incidents(now: datetime) -> list[Incident]:
    today = now.replace(minute=0, second=0, microsecond=0)
    return [
        Incident(
            number=219,
            title="Payments are confirmed late",
            team="checkout",
            severity="major",
            status="open",
            began_at=today - timedelta(hours=3),
            summary="The payment provider answers slowly since its maintenance; confirmations wait in the queue.",
        ),
        Incident(
            number=218,
            title="Search misses new products",
            team="catalog",
            severity="minor",
            status="open",
            began_at=today - timedelta(hours=20),
            summary="The index is built from a replica that lags by some hours; a rebuild is under way.",
        ),
        Incident(
            number=215,
            title="Sign-in fails for partners",
            team="identity",
            severity="critical",
            status="resolved",
            began_at=today - timedelta(days=4, hours=2),
            summary="An expired signing certificate was replaced; a reminder now fires thirty days before.",
        ),
        Incident(
            number=211,
            title="Shipping labels without a barcode",
            team="fulfillment",
            severity="major",
            status="resolved",
            began_at=today - timedelta(days=11),
            summary="A library update changed the default font; the label service pins its version again.",
        ),
    ]
