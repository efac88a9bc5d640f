"""The running calls of one reply: how many run at the same time, and how long they may take after a stop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.domain.events import ToolEvent

_MAX_PARALLEL_CALLS = 8
"""How many calls of one reply run at the same time."""
GRACE_SECONDS = 3.0
"""The longest wait for running calls that change something, after the answer was stopped.

A cancelled request may or may not have taken effect. Most changes take less than this time, and their outcome is known
then. It is shorter than the time that the next question waits for this answer's end.
"""


@dataclass(slots=True)
class RunningRound:
    """The running calls of one reply."""

    events: asyncio.Queue[ToolEvent | None] = field(default_factory=asyncio.Queue)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MAX_PARALLEL_CALLS))
    is_ending: bool = False
    """Whether no further call may begin."""
