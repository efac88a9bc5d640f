"""Results that were too long for the model, kept for a while so that it can read the rest."""

from __future__ import annotations

import json
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.errors import ToolError
from shared.domain.ports import ToolDefinition
from shared.tools import builtin
from shared.tools.results.paginate import page_of

if TYPE_CHECKING:
    from collections.abc import Callable

from shared.tools.results.paginate import Page

READ_RESULT = ToolDefinition(
    name=builtin.READ_RESULT,
    description=(
        "Read on in a result that was cut. The notice at its end says the id and the offset to pass. Only do so when"
        " the rest is really needed: a narrower call of the tool itself costs less."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "The id that the notice gives."},
            "offset": {
                "type": "integer",
                "minimum": 0,
                "description": "Where to go on, as the notice gives it: elements of a list, else characters.",
            },
        },
        "required": ["id", "offset"],
    },
)

_LOST = "This result is no longer kept here. Call the tool that gave it again, more narrowly if that is possible."


@dataclass(frozen=True, slots=True)
class _Kept:
    text: str
    size: int
    kept_at: float


class KeptResults:
    """Long results of the last minutes in this process, each readable only by the principal whose call gave it."""

    def __init__(
        self, *, most_bytes: int = 64_000_000, max_age: float = 900.0, clock: Callable[[], float] = time.time
    ) -> None:
        """Set the bounds: bytes in all, and the seconds that a result is kept at most."""
        self.most_bytes = most_bytes
        self.max_age = max_age
        self._clock = clock
        self._results: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._size = 0

    def keep(self, subject: str, call_id: str, text: str) -> None:
        """Keep the whole text of a result; the ones read longest ago make room."""
        self._forget((subject, call_id))
        size = sys.getsizeof(text)
        if size > self.most_bytes:
            return
        self._results[subject, call_id] = _Kept(text, size, self._clock())
        self._size += size
        self._expire()
        while self._size > self.most_bytes:
            self._forget(next(iter(self._results)))

    def has(self, subject: str, call_id: str) -> bool:
        """Return whether the text of a result is kept."""
        self._expire()
        return (subject, call_id) in self._results

    def cut(self, subject: str, call_id: str, text: str, limit: int) -> str:
        """Cut a text to `limit` characters, keep the whole, and add a notice of how to read on; 0 is no limit."""
        if not limit or len(text) <= limit:
            return text
        self.keep(subject, call_id, text)
        page = page_of(text, 0, limit)
        return page.shown + _notice(call_id, page, len(text))

    def read(self, subject: str, call_id: str, offset: int, limit: int) -> str:
        """Give what fits into `limit` characters from `offset` on, with a notice of how to read on.

        The limit has to be the one of `cut`, so that offsets are of the same units.

        Raises:
            ToolError: nothing is kept for the id, or nothing of it is behind the offset.
        """
        self._expire()
        kept = self._results.get((subject, call_id))
        if kept is None:
            raise ToolError(_LOST)
        self._results.move_to_end((subject, call_id))
        page = page_of(kept.text, offset, limit or len(kept.text))
        if not 0 <= offset < page.total:
            raise ToolError(f"The offset must be at least 0 and less than {page.total:,}, the number of {page.unit}.")
        return page.shown + _notice(call_id, page, len(kept.text))

    def _expire(self) -> None:
        oldest = self._clock() - self.max_age
        for key in [key for key, kept in self._results.items() if kept.kept_at < oldest]:
            self._forget(key)

    def _forget(self, key: tuple[str, str]) -> None:
        kept = self._results.pop(key, None)
        self._size -= kept.size if kept else 0


def _notice(call_id: str, page: Page, length: int) -> str:
    last = page.following - 1
    if not page.left:
        return f"\n\n[This is the end of the result: {page.unit} {page.offset:,} to {last:,} of {page.total:,}.]"
    arguments = json.dumps({"id": call_id, "offset": page.following})
    return (
        f"\n\n[This result was cut: it has {length:,} characters; {page.unit} {page.offset:,} to {last:,} of"
        f" {page.total:,} are shown, {page.left:,} are left. Make a narrower call: filter, ask for fewer items or"
        f" fields, or for one item. Only where that does not help, read on with read_result {arguments}.]"
    )
