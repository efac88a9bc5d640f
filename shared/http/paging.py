"""The paging of a list: its query parameters, and the `Link` header that leads to the next page (RFC 8288)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query
from pydantic import Field

from shared.domain.paging import PageKey
from shared.http.schemas import Text  # noqa: TC001  # FastAPI reads the annotation

if TYPE_CHECKING:
    from fastapi import Response

_MAX_LIMIT = 100
_MAX_OFFSET = 2**31
_MAX_KEY = 300
_KEY = r"^[^,\x00]+,[^\x00]+$"


@dataclass(frozen=True, slots=True)
class Paging:
    """A requested part of a list."""

    limit: int
    offset: int
    include_archived: bool
    before: PageKey | None

    def link(self, response: Response, next_key: PageKey | None) -> None:
        """Add the header that leads to the page after a key; there is none after the last page.

        The link is relative, so it is right behind every proxy.
        """
        if next_key is None:
            return
        query = {"before": f"{next_key.updated_at},{next_key.id}", "limit": self.limit}
        if self.include_archived:
            query["include_archived"] = "true"
        response.headers["Link"] = f'<?{urlencode(query)}>; rel="next"'


def _paging(
    limit: Annotated[int, Query(description=f"Limited to 1..{_MAX_LIMIT}")] = 20,
    offset: Annotated[int, Query(description="A value below 0 counts as 0")] = 0,
    include_archived: bool = False,  # noqa: FBT001, FBT002  # a query parameter
    before: Annotated[
        Annotated[Text, Field(max_length=_MAX_KEY, pattern=_KEY, json_schema_extra={"pattern": _KEY})] | None,
        Query(description="As given in the `Link` header"),
    ] = None,
) -> Paging:
    key = None if before is None else PageKey(*before.split(",", 1))
    return Paging(min(max(limit, 1), _MAX_LIMIT), min(max(offset, 0), _MAX_OFFSET), include_archived, key)


RequestedPage = Annotated[Paging, Depends(_paging)]
