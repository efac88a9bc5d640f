"""Pages of the list of conversations, and the keys that they begin after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.domain.models import Conversation


@dataclass(frozen=True, slots=True)
class PageKey:
    """A conversation's place in the list: its time of change and its id, exactly as they are stored."""

    updated_at: str
    id: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of conversations, the last changed first."""

    conversations: list[Conversation]
    next: PageKey | None
    """The key that the next page begins after; None if this is the last page."""
