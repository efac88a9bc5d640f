"""An MCP server for the cloud costs of the demo company's projects; it requires OAuth client credentials."""

from __future__ import annotations

import csv
from collections import Counter
from hashlib import sha256
from importlib.resources import files
from typing import Annotated

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from pydantic import BaseModel, Field

from local import company
from local.slugs import slug_of

_BASE_DOLLARS = {"tier-1": 900, "tier-2": 350, "tier-3": 120}
_DATA_FACTOR = 4

ProjectSlug = Annotated[str, Field(description="The project's slug, such as `account-api`.")]
TeamSlug = Annotated[str, Field(description="The team's slug, such as `checkout`.")]


class Cost(BaseModel):
    """The monthly cost of a project, in US dollars."""

    project: str
    team: str
    compute: int
    storage: int
    network: int
    total: int
    change_percent: float
    """The change since the previous month."""


class Bill(BaseModel):
    """The company's monthly cloud bill, in US dollars."""

    total: int
    by_team: dict[str, int]


def create_cloud_cost_server() -> FastMCP[None]:
    """Create the server, without the check of tokens."""
    server: FastMCP[None] = FastMCP("Cloud costs", instructions="Monthly cloud costs of Fernwood Trading's projects.")
    for tool in (list_cloud_costs, get_cloud_bill):
        server.tool(tool, annotations={"readOnlyHint": True})
    return server


def list_cloud_costs(
    project_slug: ProjectSlug | None = None,
    team_slug: TeamSlug | None = None,
    limit: Annotated[int, Field(ge=1, le=100)] = 10,
) -> list[Cost]:
    """List the cloud costs of projects this month, the most expensive first; optionally of one project or one team."""
    if project_slug is not None and not any(cost.project == project_slug for cost in _costs()):
        raise ToolError(f"There is no project {project_slug!r}.")
    found = [cost for cost in _costs() if project_slug in (None, cost.project) and team_slug in (None, cost.team)]
    return sorted(found, key=lambda cost: -cost.total)[:limit]


def get_cloud_bill() -> Bill:
    """Get this month's whole cloud bill, and each team's share of it."""
    totals: Counter[str] = Counter()
    for cost in _costs():
        totals[cost.team] += cost.total
    return Bill(total=totals.total(), by_team=dict(totals.most_common()))


def _costs() -> list[Cost]:
    with (files(company) / "projects.csv").open(encoding="utf-8") as lines:
        return [_cost(row) for row in csv.DictReader(lines)]


def _cost(row: dict[str, str]) -> Cost:
    """Generate a project's costs: the same at every start, higher for critical projects and for data stores."""
    project = slug_of(row["name"])
    one, two, three, four = sha256(project.encode()).digest()[:4]
    base = _BASE_DOLLARS.get(row["tier"], 200)
    storage_factor = _DATA_FACTOR if row["type"] in {"database", "data-pipeline"} else 1
    compute = base * (100 + one) // 100
    storage = base * (20 + two) * storage_factor // 400
    network = base * three // 600
    total = compute + storage + network
    return Cost(
        project=project,
        team=row["team"],
        compute=compute,
        storage=storage,
        network=network,
        total=total,
        change_percent=round(four / 16 - 6, 1),
    )
