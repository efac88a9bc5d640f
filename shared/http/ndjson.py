"""Pages of rows as newline-delimited JSON, with a link to the next page, and the filters that their queries share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
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


def _as_written(value: object) -> object:
    """Refuse a number, which pydantic would read as seconds since 1970: 20240101 would be a day in August 1970."""
    if isinstance(value, str) and value[4:5] != "-":
        raise ValueError("must be in ISO 8601, such as 2026-11-26")
    return value


FilterText = Annotated[Text, Field(max_length=500)]
FilterDay = Annotated[date, BeforeValidator(_as_written)]
FilterTime = Annotated[datetime, BeforeValidator(_as_written), AfterValidator(_in_utc)]
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
