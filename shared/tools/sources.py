"""Where tools come from, as far as that can be read again: what each reading gives, and how a failed one is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import Principal
    from shared.domain.ports import ToolDefinition


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one source has after a reading; `problem` is a sentence on why it could not be read again."""

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
    """A toolset whose tools can be read again while the old ones go on working."""

    async def refresh(self, patience: float) -> Sequence[SourceReport]:
        """Read again; what has not answered after `patience` seconds is reported as such, and goes on being read."""
        ...

    def definitions(self, principal: Principal) -> Sequence[ToolDefinition]:
        """List the tools that the principal may use."""
        ...
