"""Pages of rows as newline-delimited JSON, with a link to the next page, and the filters that their queries share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import orjson
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import Response

from shared.http.schemas import Text

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

_MAX_LIMIT = 1_000


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("must be a time of the years 1 to 9999 in UTC") from error


FilterText = Annotated[Text, Field(max_length=500)]
FilterTime = Annotated[datetime, AfterValidator(_in_utc)]
"""A time; without an offset it is in UTC."""


class PageQuery(BaseModel):
    """The query of a page; filters that are absent do not filter."""

    since: FilterTime | None = None
    until: FilterTime | None = None
    limit: int = 100

    @property
    def size(self) -> int:
        """The number of rows of a page."""
        return min(max(self.limit, 1), _MAX_LIMIT)

    def page(self, rows: list[JsonObject], before: str) -> Response:
        """Return a page; a full page has a Link to the next one, which begins behind `before` (RFC 8288)."""
        headers = {}
        if len(rows) == self.size:
            query = self.model_dump(mode="json", exclude_none=True) | {"before": before}
            headers["Link"] = f'<?{urlencode(query)}>; rel="next"'
        body = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        return Response(body, media_type="application/x-ndjson", headers=headers)
