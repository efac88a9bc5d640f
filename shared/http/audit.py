"""The query and the response of the route that reads the audit."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from shared.domain.calls import CallStatus
from shared.graph.audit_trail import AuditFilter, Place
from shared.http.ndjson import FilterText, PageQuery

if TYPE_CHECKING:
    from starlette.responses import Response

    from shared.domain.models import JsonObject

PERMISSION = "assistant:audit:read"
"""The permission to read the audit; administrators need none."""


class AuditQuery(PageQuery):
    """The filters of a request."""

    user: FilterText | None = None
    conversation: FilterText | None = None
    tool: FilterText | None = None
    source: FilterText | None = None
    status: CallStatus | None = None
    before: Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}-\d{2}\.\d{1,15}$")] = None

    def filter(self) -> AuditFilter:
        """Return the filter for the repository."""
        return AuditFilter(**self.model_dump(exclude={"limit", "before"}), before=_place(self.before))

    def response(self, rows: list[JsonObject]) -> Response:
        """Return a page of rows."""
        return self.page(rows, f"{rows[-1]['day']}.{rows[-1]['position']}" if rows else "")


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    day, _, position = text.partition(".")
    try:
        return Place(date.fromisoformat(day), int(position))
    except ValueError:
        return Place(date.min, 0)
