"""Search and scores across a whole organization."""

from statistics import fmean
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from local.demo_api.auth import CallerOf, OrganizationOf, Requires, StoreOf
from local.demo_api.schemas.projects import Project
from local.demo_api.scoring import score_of
from local.demo_api.searching import SearchResult, search_nodes
from local.demo_api.store import OrganizationData

router = APIRouter(prefix="/organizations/{org_slug}/search", tags=["Organizations", "Search"])
scores = APIRouter(prefix="/scores", tags=["Scoring"])


class SearchQuery(BaseModel):
    """The query of a search."""

    model_config = ConfigDict(str_strip_whitespace=True)

    q: str = Field(min_length=1, description="Words to search for, for example a project's name.")
    node_label: Literal["Project", "Team", "ProjectType", "Environment"] | None = Field(
        None, description="Only things of this kind."
    )
    attribute: Literal["name", "description"] | None = Field(None, description="Only in this attribute.")
    limit: int = Field(10, ge=1, le=100)
    threshold: float | None = Field(None, description="Only results whose distance is at most this.")


class ScoreRollupQuery(BaseModel):
    """The grouping of mean scores."""

    org: str = Field(description="Slug of the organization.")
    dimension: Literal["team", "project_type", "organization"] = "team"


class ScoreRollupRow(BaseModel):
    """The mean score of a group of projects."""

    dimension: str
    key: str = Field(description="Slug of the team, project type or organization.")
    latest_score: float
    avg_score: float
    project_count: int


@router.get("", dependencies=[Depends(Requires("search:read"))])
async def search(organization: OrganizationOf, query: Annotated[SearchQuery, Query()]) -> list[SearchResult]:
    """Search the names and descriptions of projects, teams, project types and environments.

    Finds a project's id by its name. Results are ordered by distance, the best first: 0.0 is a perfect match.
    """
    results = [
        result
        for result in search_nodes(organization, query.q)
        if query.node_label in {None, result.node_label}
        and query.attribute in {None, result.attribute}
        and (query.threshold is None or result.distance <= query.threshold)
    ]
    return results[: query.limit]


@scores.get("/rollup", dependencies=[Depends(Requires("project:read"))])
async def score_rollup(
    query: Annotated[ScoreRollupQuery, Query()], store: StoreOf, _: CallerOf
) -> list[ScoreRollupRow]:
    """Return the mean score of an organization's active projects by team, by project type or in all, the best first."""
    data = store.organization(query.org)
    rows = []
    for key, projects in _groups(data, query.dimension):
        active = [score_of(project) for project in projects if project.archived_at is None]
        if active:
            mean = round(fmean(active), 1)
            row = ScoreRollupRow(
                dimension=query.dimension, key=key, latest_score=mean, avg_score=mean, project_count=len(active)
            )
            rows.append(row)
    return sorted(rows, key=lambda row: -row.avg_score)


def _groups(data: OrganizationData, dimension: str) -> list[tuple[str, list[Project]]]:
    if dimension == "team":
        return [(team.slug, data.projects_of_team(team)) for team in data.teams]
    if dimension == "project_type":
        return [(each.slug, data.projects_of_type(each)) for each in data.project_types]
    return [(data.organization.slug, list(data.projects))]
