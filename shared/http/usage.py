"""The query and the response of the route that reads the usage."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shared.graph.usage import Days
from shared.http.ndjson import FilterDay
from shared.http.schemas import Text
from shared.util import clock

PERMISSION = "assistant:usage:read"
"""The permission to read the usage of other users; administrators need none."""
_DAYS = 30


class UsageQuery(BaseModel):
    """The days, and whose usage is read."""

    since: FilterDay | None = None
    until: FilterDay | None = None
    by: Literal["day", "user"] = "day"
    user: Annotated[Text, Field(max_length=500)] | None = None

    @property
    def days(self) -> Days:
        """The days, both ends included; without `since` and `until`, they are the last 30."""
        until = self.until or clock.now().date()
        if self.since is not None:
            return Days(self.since, until)
        return Days(max(until, date.min + timedelta(days=_DAYS)) - timedelta(days=_DAYS - 1), until)


class Usage(BaseModel):
    """The tokens that were used with one model: on a day, or by a user."""

    day: date | None = Field(default=None, exclude_if=lambda day: day is None)
    user: str | None = Field(default=None, exclude_if=lambda user: user is None)
    model: str
    answers: int
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
