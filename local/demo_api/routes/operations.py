"""The operations log."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, status

from local.demo_api.auth import CallerOf, OrganizationOf, Requires, StoreOf
from local.demo_api.errors import NotFound, Unprocessable
from local.demo_api.operations_log import page
from local.demo_api.schemas.operations import (
    OperationLogCreate,
    OperationLogListResponse,
    OperationLogQuery,
    OperationLogResponse,
    ProjectOperationLogQuery,
)
from local.demo_api.store import Store

router = APIRouter(prefix="/operations-log", tags=["Operations Log"])
project_router = APIRouter(
    prefix="/organizations/{org_slug}/projects/{project_id}/operations-log", tags=["Organizations", "Operations Log"]
)
_READ = Depends(Requires("operations_log:read"))


@router.post(
    "/",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(Requires("operations_log:create"))],
)
async def create_operation_log(entry: OperationLogCreate, store: StoreOf, caller: CallerOf) -> OperationLogResponse:
    """Create a new operations log entry: write down something that was done to a project in an environment.

    Answers 404 for an unknown project, 422 for an environment that its organization does not have.
    """
    data, project = store.locate(entry.project_id)
    if all(environment.slug != entry.environment_slug for environment in data.environments):
        raise Unprocessable(f"Environment with slug {entry.environment_slug!r} not found")
    fields = {**entry.model_dump(), "performed_by": entry.performed_by or caller.subject}
    created = OperationLogResponse(**fields, project_slug=project.slug, recorded_by=caller.subject)
    store.operations.append(created)
    return created


@router.get("/", dependencies=[_READ])
async def list_operation_logs(query: Annotated[OperationLogQuery, Query()], store: StoreOf) -> OperationLogListResponse:
    """List operations log entries, newest first: deployments, restarts, changes of configuration, and so on.

    `metrics` are figures over all entries that match, not only those of the page. The next page is asked for with the
    id of the last entry as `cursor`.
    """
    entries = [
        entry
        for entry in store.operations
        if query.project_id in {None, entry.project_id} and query.project_slug in {None, entry.project_slug}
    ]
    if query.team_slug is not None:
        entries = _of_team(store, entries, query.team_slug)
    return page(entries, query)


def _of_team(store: Store, entries: Sequence[OperationLogResponse], team_slug: str) -> list[OperationLogResponse]:
    owned = {
        project.id
        for data in store.organizations.values()
        for team in data.teams
        if team.slug == team_slug
        for project in data.projects_of_team(team)
    }
    return [entry for entry in entries if entry.project_id in owned]


@router.get("/{entry_id}", dependencies=[_READ])
async def get_operation_log(entry_id: str, store: StoreOf) -> OperationLogResponse:
    """Get a single operations log entry."""
    for entry in store.operations:
        if entry.id == entry_id:
            return entry
    raise NotFound(f"Operations log entry with id {entry_id!r} not found")


@project_router.get("/", dependencies=[_READ])
async def list_project_operation_logs(
    organization: OrganizationOf,
    project_id: str,
    query: Annotated[ProjectOperationLogQuery, Query()],
    store: StoreOf,
) -> OperationLogListResponse:
    """List the operations log entries of a project, newest first."""
    project = organization.projects.by_id(project_id)
    return page([entry for entry in store.operations if entry.project_id == project.id], query)
