"""What the demo company's projects cost in the cloud, as an MCP server behind OAuth client credentials."""

from __future__ import annotations

import csv
from hashlib import sha256
from importlib.resources import files
from typing import Annotated

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from pydantic import BaseModel, Field

from local import company
from local.demo_api.portfolio import slug_of

_BASE_DOLLARS = {"tier-1": 900, "tier-2": 350, "tier-3": 120}
_DATA_FACTOR = 4

ProjectSlug = Annotated[str, Field(description="The project's slug, such as `account-api`.")]
TeamSlug = Annotated[str, Field(description="The team's slug, such as `checkout`.")]


class Cost(BaseModel):
    """What a project costs a month, in US dollars."""

    project: str
    team: str
    compute: int
    storage: int
    network: int
    total: int
    change_percent: float
    """Against the month before."""


def create_cloud_cost_server() -> FastMCP[None]:
    """Make the server, without anything that asks for a token."""
    server: FastMCP[None] = FastMCP("Cloud costs", instructions="Monthly cloud costs of Fernwood Trading's projects.")
    server.tool(get_cloud_cost)
    server.tool(list_cloud_costs)
    return server


def get_cloud_cost(project_slug: ProjectSlug) -> Cost:
    """Say what a project costs in the cloud this month, by compute, storage and network."""
    found = next((cost for cost in _costs() if cost.project == project_slug), None)
    if found is None:
        raise ToolError(f"There are no costs of a project {project_slug!r}.")
    return found


def list_cloud_costs(team_slug: TeamSlug | None = None, limit: Annotated[int, Field(ge=1, le=100)] = 10) -> list[Cost]:
    """List the projects that cost most in the cloud this month, the most expensive first; of one team where given."""
    costs = [cost for cost in _costs() if team_slug in (None, cost.team)]
    return sorted(costs, key=lambda cost: -cost.total)[:limit]


def _costs() -> list[Cost]:
    with (files(company) / "projects.csv").open(encoding="utf-8") as lines:
        return [_cost(row) for row in csv.DictReader(lines)]


def _cost(row: dict[str, str]) -> Cost:
    """Make up a project's costs: the same at every start, more for what matters more and for what keeps data."""
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
