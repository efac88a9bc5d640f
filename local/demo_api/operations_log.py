"""Filters, counts and pages entries of the operations log."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local.demo_api.errors import Unprocessable
from local.demo_api.schemas.operations import OperationLogListResponse, OperationLogMetrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_api.schemas.operations import OperationLogResponse, ProjectOperationLogQuery


def page(entries: Sequence[OperationLogResponse], query: ProjectOperationLogQuery) -> OperationLogListResponse:
    """Return a page of the matching entries, newest first; answer 422 for an unknown cursor."""
    matching = sorted(
        (entry for entry in entries if _matches(entry, query)),
        key=lambda entry: (entry.occurred_at, entry.id),
        reverse=True,
    )
    start = 0
    if query.cursor is not None:
        ids = [entry.id for entry in matching]
        if query.cursor not in ids:
            raise Unprocessable(f"Cursor {query.cursor!r} is not the id of a matching entry")
        start = ids.index(query.cursor) + 1
    return OperationLogListResponse(metrics=_metrics(matching), data=matching[start : start + query.limit])


def _matches(entry: OperationLogResponse, query: ProjectOperationLogQuery) -> bool:
    return (
        query.environment_slug in {None, entry.environment_slug}
        and query.entry_type in {None, entry.entry_type}
        and query.ticket_slug in {None, entry.ticket_slug}
        and query.performed_by in {None, entry.performed_by}
        and (query.since is None or entry.occurred_at >= query.since)
        and (query.until is None or entry.occurred_at < query.until)
    )


def _metrics(entries: Sequence[OperationLogResponse]) -> OperationLogMetrics:
    deploys = [entry for entry in entries if entry.entry_type == "Deployed"]
    return OperationLogMetrics(
        event_count=len(entries),
        deploys=len(deploys),
        projects=len({entry.project_id for entry in entries}),
        environments=len({entry.environment_slug for entry in entries}),
        team_members=len({entry.performed_by for entry in entries if entry.performed_by}),
        deploys_by_environment=dict(Counter(entry.environment_slug for entry in deploys)),
    )
