"""The query and the response of the route that reads the audit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import orjson
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import Response

from shared.domain.calls import CallStatus
from shared.graph.audit_trail import AuditFilter, Place
from shared.http.schemas import Text

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

PERMISSION = "assistant:audit:read"
"""The permission to read the audit; administrators need none."""
_MAX_LIMIT = 1_000


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_Text = Annotated[Text, Field(max_length=500)]
_Time = Annotated[datetime, AfterValidator(_aware)]


class AuditQuery(BaseModel):
    """The filters of a request; those that are absent do not filter."""

    user: _Text | None = None
    conversation: _Text | None = None
    tool: _Text | None = None
    source: _Text | None = None
    status: CallStatus | None = None
    since: _Time | None = None
    until: _Time | None = None
    limit: int = 100
    before: Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}-\d{2}\.\d{1,15}$")] = None

    @property
    def size(self) -> int:
        """The number of rows of a page."""
        return min(max(self.limit, 1), _MAX_LIMIT)

    def filter(self) -> AuditFilter:
        """Return the filter for the repository."""
        return AuditFilter(**self.model_dump(exclude={"limit", "before"}), before=_place(self.before))

    def response(self, rows: list[JsonObject]) -> Response:
        """Return a page as newline-delimited JSON; a full page has a Link to the next one (RFC 8288)."""
        headers = {}
        if len(rows) == self.size:
            last = rows[-1]
            query = self.model_dump(mode="json", exclude_none=True) | {"before": f"{last['day']}.{last['position']}"}
            headers["Link"] = f'<?{urlencode(query)}>; rel="next"'
        body = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        return Response(body, media_type="application/x-ndjson", headers=headers)


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    day, _, position = text.partition(".")
    try:
        return Place(date.fromisoformat(day), int(position))
    except ValueError:
        return Place(date.min, 0)
