"""Tracing: the interface of what records how long each part of the work takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Tracer(Protocol):
    """Records the duration of sections of the work, as AWS X-Ray does."""

    def section(self, name: str) -> AbstractContextManager[object]:
        """Return a context manager whose body is recorded as a section with this name."""
        ...
