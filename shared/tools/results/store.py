"""Results that were too long for the model, stored for some minutes so that it can read on."""

from __future__ import annotations

import json
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.errors import ToolError
from shared.tools.results.paginate import page_of
from shared.util.threads import run_sized

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.tools.results.paginate import Page

_EXPIRED = "This result is no longer stored. Call the tool that returned it again, more narrowly if that is possible."


@dataclass(frozen=True, slots=True)
class _StoredResult:
    text: str
    size: int
    stored_at: float


class ResultStore:
    """The long results of the last minutes in this process. Only the principal who made the call can read a result."""

    def __init__(
        self, *, max_bytes: int = 64_000_000, max_age: float = 900.0, clock: Callable[[], float] = time.time
    ) -> None:
        """Set the bounds: bytes in all, and the seconds after which a result expires."""
        self.max_bytes = max_bytes
        self.max_age = max_age
        self._clock = clock
        self._results: OrderedDict[tuple[str, str], _StoredResult] = OrderedDict()
        self._size = 0

    def add(self, subject: str, call_id: str, text: str) -> None:
        """Store the whole text of a result; the results that were read longest ago make room."""
        self._remove((subject, call_id))
        size = sys.getsizeof(text)
        if size > self.max_bytes:
            return
        self._results[subject, call_id] = _StoredResult(text, size, self._clock())
        self._size += size
        self._remove_expired()
        while self._size > self.max_bytes:
            self._remove(next(iter(self._results)))

    def has(self, subject: str, call_id: str) -> bool:
        """Return whether the text of a result is stored."""
        self._remove_expired()
        return (subject, call_id) in self._results

    async def cut(self, subject: str, call_id: str, text: str, limit: int) -> str:
        """Cut a text to `limit` characters, store the whole, and add a notice of how to read on; 0 is no limit."""
        if not limit or len(text) <= limit:
            return text
        self.add(subject, call_id, text)
        page = await run_sized(len(text), page_of, text, 0, limit)
        return page.shown + _notice(call_id, page, len(text))

    async def read(self, subject: str, call_id: str, offset: int, limit: int) -> str:
        """Return at most `limit` characters from `offset` on, with a notice of how to read on.

        The limit has to be the same as in `cut`, so that offsets count the same units.

        Raises:
            ToolError: no result is stored under the id, or the offset is behind its end.
        """
        self._remove_expired()
        stored = self._results.get((subject, call_id))
        if stored is None:
            raise ToolError(_EXPIRED)
        self._results.move_to_end((subject, call_id))
        length = len(stored.text)
        page = await run_sized(length, page_of, stored.text, offset, limit or length)
        if not 0 <= offset < page.total:
            raise ToolError(f"The offset must be at least 0 and less than {page.total:,}, the number of {page.unit}.")
        return page.shown + _notice(call_id, page, length)

    def _remove_expired(self) -> None:
        oldest = self._clock() - self.max_age
        for key in [key for key, stored in self._results.items() if stored.stored_at < oldest]:
            self._remove(key)

    def _remove(self, key: tuple[str, str]) -> None:
        stored = self._results.pop(key, None)
        self._size -= stored.size if stored else 0


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
