"""Sources of tools that can be read again, and the report of each reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import Principal
    from shared.domain.ports import ToolDefinition


@dataclass(frozen=True, slots=True)
class SourceReport:
    """The tools of one source after a reading; `problem` is a sentence that says why the reading failed."""

    name: str
    tools: int
    problem: str | None = None
    notes: tuple[str, ...] = ()
    """Sentences about tools that are left out or have changed."""

    def __str__(self) -> str:
        """Write a line for the model."""
        count = f"{self.tools} tool{'' if self.tools == 1 else 's'}"
        notes = "".join(f" {note}" for note in self.notes)
        if self.problem is None:
            return f"{self.name}: {count}.{notes}"
        kept = f"{count}, as before" if self.tools else "no tools"
        return f"{self.name}: {kept}. Reading them again failed: {self.problem}{notes}"


class Source(Protocol):
    """A toolset whose tools can be read again while the previous tools stay usable."""

    async def refresh(self, timeout_seconds: float) -> Sequence[SourceReport]:
        """Read the tools again; a reading that takes longer is reported as failed and goes on in the background."""
        ...

    def definitions(self, principal: Principal) -> Sequence[ToolDefinition]:
        """List the tools that the principal may use."""
        ...
