"""The query and the response of the route that reads the feedback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from shared.graph.feedback import FeedbackFilter, Place
from shared.http.ndjson import FilterText, PageQuery
from shared.util import clock

if TYPE_CHECKING:
    from starlette.responses import Response

    from shared.domain.models import JsonObject

_RATINGS = {"1": 1, "-1": -1}
_PLACE = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


class FeedbackQuery(PageQuery):
    """The filters of a request."""

    user: FilterText | None = None
    model: FilterText | None = None
    rating: Annotated[Literal[1, -1], BeforeValidator(lambda text: _RATINGS.get(text, text))] | None = None
    before: Annotated[str | None, Field(pattern=_PLACE)] = None

    def filter(self) -> FeedbackFilter:
        """Return the filter for the repository."""
        return FeedbackFilter(**self.model_dump(exclude={"limit", "before"}), before=_place(self.before))

    def response(self, rows: list[JsonObject]) -> Response:
        """Return a page of rows."""
        last = rows[-1] if rows else {}
        return self.page(rows, f"{str(last.get('updated_at'))[:-6]}Z_{last.get('message_id')}")


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    time, _, message_id = text.partition("_")
    try:
        return Place(clock.parse(time), str(UUID(message_id)))
    except ValueError:
        return Place(clock.EARLIEST, "")
