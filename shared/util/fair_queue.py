"""A queue that is fair among the owners of its items: each owner's first item comes before any second one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class FairQueue(Generic[T]):
    """One line of items for each owner; the lines take turns."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[T]] = {}
        """The lines that are not empty; the first one is served next."""
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return (item for line in self._lines.values() for item in line)

    def add(self, owner: str, item: T) -> None:
        """Add an item behind the others of its owner."""
        self._lines.setdefault(owner, deque()).append(item)
        self._length += 1

    def pop(self) -> T:
        """Take the next item out of the queue, which must not be empty."""
        owner = next(iter(self._lines))
        line = self._lines.pop(owner)
        item = line.popleft()
        if line:
            self._lines[owner] = line
        self._length -= 1
        return item

    def remove(self, owner: str, item: T) -> None:
        """Take an item out of the queue if it is there."""
        line = self._lines.get(owner)
        if line is not None and item in line:
            line.remove(item)
            self._length -= 1
            if not line:
                del self._lines[owner]

    def displaced_by(self, owner: str) -> T | None:
        """Take out the last item of the longest line, so that a new item of an owner has room.

        Return None if the owner's own line would then be the longest.
        """
        longest = max(self._lines, key=lambda each: len(self._lines[each]), default=owner)
        if len(self._lines.get(owner, ())) + 1 >= len(self._lines.get(longest, ())):
            return None
        self._length -= 1
        return self._lines[longest].pop()
