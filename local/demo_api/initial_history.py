"""Generates the company's recent releases, deployments and operations."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from local.demo_api.schemas.common import stable_id
from local.demo_api.schemas.operations import OperationLogResponse
from local.demo_api.schemas.releases import DeploymentEvent, DeploymentStatus, Release, ReleaseLink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from random import Random

    from local.demo_api.schemas.operations import EntryType
    from local.demo_api.schemas.organizations import Environment
    from local.demo_api.schemas.projects import Project

_LOG_DAYS = 45
_FAILURE_RATE = 0.06
_PATCH_RATE = 0.4
_HELD_BACK_RATE = 0.12
_TICKET_RATE = 0.6
_CHANGES = (
    "Faster start and smaller images",
    "Retries with backoff for upstream calls",
    "Fixes for edge cases found in production",
    "New fields for partners",
    "Dependency updates",
    "Better error messages",
    "Structured logs and request ids",
    "Lower memory use under load",
    "Support for a ninth language",
    "Accessibility fixes",
)
_INCIDENTS: tuple[tuple[EntryType, str], ...] = (
    ("Configured", "Raised the connection pool's size to 40"),
    ("Configured", "Turned on the new rate limit"),
    ("Restarted", "Restarted after a node was replaced"),
    ("Restarted", "Restarted to pick up a rotated secret"),
    ("Scaled", "Scaled from 4 to 8 replicas for the weekend sale"),
    ("Scaled", "Scaled back to 4 replicas"),
    ("Upgraded", "Upgraded the base image"),
    ("Migrated", "Moved to the new cluster"),
    ("Provisioned", "Added a read replica"),
    ("Rolled Back", "Rolled back after a rise in errors"),
)


def releases_of(project: Project, people: Sequence[str], random: Random, now: datetime) -> Iterator[Release]:
    """Generate a project's releases of the last four months, newest first."""
    count = random.randint(4, 9)
    major, minor, patch = random.randint(1, 5), random.randint(0, 14), 0
    ages = sorted((random.uniform(0.2, 120) for _ in range(count)), reverse=True)
    releases = []
    for age in ages:
        if random.random() < _PATCH_RATE:
            patch += 1
        else:
            minor, patch = minor + 1, 0
        created_at = (now - timedelta(days=age)).replace(microsecond=0)
        releases.append(_release(project, f"{major}.{minor}.{patch}", created_at, people, random))
    yield from reversed(releases)


def _release(project: Project, tag: str, at: datetime, people: Sequence[str], random: Random) -> Release:
    changes = random.sample(_CHANGES, 2)
    repository = project.links.get("repository", "https://git.example.com")
    return Release(
        id=stable_id("release", f"{project.slug}/{tag}"),
        project_id=project.id,
        tag=tag,
        committish=f"{random.getrandbits(28):07x}",
        title=f"{project.name} {tag}",
        description="\n".join(f"- {change}" for change in changes),
        links=[ReleaseLink(type="release_notes", url=f"{repository}/releases/{tag}", label=tag)],
        created_at=at,
        created_by=random.choice(people),
    )


def deploy(project: Project, environments: Sequence[Environment], random: Random, now: datetime) -> None:
    """Generate the deployments of each release: later environments receive a release later, or not at all."""
    for release in reversed(project.releases):
        moment = release.created_at
        for step, environment in enumerate(environments):
            moment += timedelta(minutes=random.randint(6, 40)) if step == 0 else timedelta(hours=random.uniform(2, 60))
            if moment > now or (step > 0 and random.random() < _HELD_BACK_RATE):
                break
            status: DeploymentStatus = "failed" if random.random() < _FAILURE_RATE else "success"
            release.deployments[environment.id] = _events(release, status, moment, random)
            if status == "failed":
                break


def _events(release: Release, status: DeploymentStatus, at: datetime, random: Random) -> list[DeploymentEvent]:
    run = str(random.randint(10_000_000, 99_999_999))
    end = at + timedelta(seconds=random.randint(70, 600))
    return [
        DeploymentEvent(
            status=state,
            timestamp=moment.replace(microsecond=0),
            external_run_id=run,
            performed_by=release.created_by,
            note="The health check did not pass in time." if state == "failed" else None,
        )
        for state, moment in (("in_progress", at), (status, end))
    ]


def deployment_entries(
    project: Project, environments: Sequence[Environment], now: datetime
) -> Iterator[OperationLogResponse]:
    """Yield log entries for the deployments of the last weeks."""
    for release in project.releases:
        for environment in environments:
            events = release.deployments.get(environment.id, [])
            if not events or events[-1].timestamp < now - timedelta(days=_LOG_DAYS):
                continue
            end = events[-1]
            if end.status == "success":
                yield OperationLogResponse(
                    id=stable_id("operation", f"{release.id}/{environment.slug}"),
                    occurred_at=events[0].timestamp,
                    completed_at=end.timestamp,
                    recorded_at=end.timestamp,
                    recorded_by="release-bot",
                    performed_by=end.performed_by,
                    project_id=project.id,
                    project_slug=project.slug,
                    environment_slug=environment.slug,
                    entry_type="Deployed",
                    description=f"Deployed {project.name} {release.tag} to {environment.name}",
                    link=release.links[0].url,
                    version=release.tag,
                )


def other_entries(
    project: Project, environments: Sequence[Environment], people: Sequence[str], random: Random, now: datetime
) -> Iterator[OperationLogResponse]:
    """Generate log entries for other operations on a project in the last weeks."""
    for number in range(random.choice((0, 0, 1, 1, 2, 3))):
        entry_type, description = random.choice(_INCIDENTS)
        at = (now - timedelta(days=random.uniform(0.2, _LOG_DAYS))).replace(microsecond=0)
        person = random.choice(people)
        yield OperationLogResponse(
            id=stable_id("operation", f"{project.id}/{number}"),
            occurred_at=at,
            completed_at=at + timedelta(minutes=random.randint(1, 45)),
            recorded_at=at,
            recorded_by=person,
            performed_by=person,
            project_id=project.id,
            project_slug=project.slug,
            environment_slug=random.choice(environments).slug,
            entry_type=entry_type,
            description=description,
            ticket_slug=f"OPS-{random.randint(1200, 4800)}" if random.random() < _TICKET_RATE else None,
        )
