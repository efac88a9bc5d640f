"""Regular expressions for text that comes from outside: each sees a bounded number of characters.

A pattern whose cost grows faster than its input can hold the event loop for seconds. The bound holds whatever the
pattern is; patterns should be of linear cost all the same. `python -m bench patterns` feeds each one its worst inputs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class BoundedPattern:
    """A regular expression that never sees more than `limit` characters of a text.

    `sub` and `split` drop the text behind the limit. The other methods do not look at it. `fullmatch` fails for a
    longer text.
    """

    __slots__ = ("limit", "pattern")

    def __init__(self, pattern: re.Pattern[str], limit: int) -> None:
        """Bind a compiled pattern to a limit in characters."""
        self.pattern = pattern
        self.limit = limit

    def sub(self, replacement: str | Callable[[re.Match[str]], str], text: str) -> str:
        """Replace every match within the limit; the text behind the limit is dropped."""
        return self.pattern.sub(replacement, text[: self.limit])

    def split(self, text: str, maxsplit: int = 0) -> list[str]:
        """Split a text at every match within the limit; the text behind the limit is dropped."""
        return self.pattern.split(text[: self.limit], maxsplit)

    def search(self, text: str) -> re.Match[str] | None:
        """Find the first match within the limit."""
        return self.pattern.search(text, 0, self.limit)

    def match(self, text: str) -> re.Match[str] | None:
        """Match the beginning of a text."""
        return self.pattern.match(text, 0, self.limit)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Match a whole text; a text that is longer than the limit does not match."""
        return self.pattern.fullmatch(text) if len(text) <= self.limit else None

    def findall(self, text: str) -> list[str]:
        """List all matches within the limit."""
        return self.pattern.findall(text[: self.limit])

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Iterate over all matches within the limit."""
        return self.pattern.finditer(text, 0, self.limit)


def bounded(pattern: str, limit: int, flags: int = 0) -> BoundedPattern:
    """Compile a pattern that sees at most `limit` characters of a text."""
    return BoundedPattern(re.compile(pattern, flags), limit)
