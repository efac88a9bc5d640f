"""Generates the projects that the demo API starts with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from local.company import blueprints, catalog
from local.demo_api.schemas.common import JsonObject, stable_id
from local.demo_api.schemas.projects import ConfigurationValue, Project
from local.slugs import slug_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from local.demo_api.store import OrganizationData

FOUNDED = datetime(2019, 3, 4, 9, 0, tzinfo=UTC)
_HEALTH_CHECK_RATE = 0.5
_LIBRARY_LIKE = frozenset({"library", "infrastructure"})


def build_project(data: OrganizationData, row: Mapping[str, str], random: Random, now: datetime) -> Project:
    """Create a project from its row in `projects.csv`."""
    slug = slug_of(row["name"])
    facts = next(team for team in catalog.TEAMS if team.slug == row["team"])
    return Project(
        id=stable_id("project", slug),
        created_at=FOUNDED + timedelta(days=random.randint(10, 2300)),
        updated_at=now - timedelta(days=random.randint(1, 60)),
        name=row["name"],
        slug=slug,
        description=row["description"],
        team_id=data.teams.get(row["team"]).id,
        type_ids=[data.project_types.get(row["type"]).id],
        environments=_deployments(data, slug, row["type"]),
        links=_links(slug, row, random),
        identifiers={"git": random.randint(100, 4000)},
        attributes=_attributes(row, facts, random, now),
        open_pr_count=random.choice((0, 0, 1, 2, 3, 5)),
        closed_pr_count=random.randint(20, 900),
        configuration={
            "LOG_LEVEL": ConfigurationValue(value="info", last_modified=now),
            "DATABASE_PASSWORD": ConfigurationValue(
                value=f"{random.getrandbits(64):x}", secret=True, last_modified=now
            ),
        },
    )


def _deployments(data: OrganizationData, slug: str, type_slug: str) -> dict[str, JsonObject]:
    if type_slug == "library":
        return {}
    environments = [
        environment for environment in data.environments if environment.slug != "sandbox" or slug in catalog.SANDBOXED
    ]
    answers = type_slug in {"http-api", "web-application"}
    return {
        environment.id: {"url": f"https://{slug}.{environment.slug}.example.com"} if answers else {}
        for environment in environments
    }


def _links(slug: str, row: Mapping[str, str], random: Random) -> dict[str, str]:
    wanted = {"repository": 1.0, "dashboard": 0.85, "documentation": 0.75, "runbook": 0.6}
    if row["type"] == "library":
        wanted = {"repository": 1.0, "documentation": 0.8}
    templates = {str(row["slug"]): str(row["url_template"]) for row in catalog.LINK_DEFINITIONS}
    return {
        name: templates[name].format(team=row["team"], slug=slug)
        for name, chance in wanted.items()
        if random.random() < chance
    }


def _attributes(row: Mapping[str, str], team: catalog.TeamFacts, random: Random, now: datetime) -> JsonObject:
    attributes: JsonObject = {
        "criticality": row["tier"],
        "lifecycle": row["lifecycle"],
        "data_classification": row["data"],
        "cost_center": team.cost_center,
    }
    if row["tier"] in {"tier-1", "tier-2"}:
        attributes["on_call"] = team.on_call
    if row["type"] == "database":
        return {**attributes, **_data_store(row["framework"], random, now)}
    attributes["programming_language"] = row["language"]
    if row["framework"]:
        attributes["framework"] = row["framework"]
    attributes["test_coverage"] = float(random.randint(*((20, 55) if row["lifecycle"] == "deprecated" else (48, 97))))
    if row["type"] not in _LIBRARY_LIKE:
        attributes["orchestration"] = _orchestration(row)
        attributes["has_health_check"] = (
            row["type"] in {"http-api", "web-application"} or random.random() < _HEALTH_CHECK_RATE
        )
    return attributes


def _data_store(engine: str, random: Random, now: datetime) -> JsonObject:
    return {
        "engine": engine,
        "engine_version": blueprints.ENGINE_VERSIONS[engine],
        "size_gb": float(random.randint(4, 1800)),
        "last_restore_test": (now - timedelta(days=random.randint(5, 400))).date().isoformat(),
    }


def _orchestration(row: Mapping[str, str]) -> str:
    if row["lifecycle"] in {"maintenance", "deprecated"}:
        return "virtual-machine"
    return "lambda" if row["type"] == "scheduled-job" else "kubernetes"
