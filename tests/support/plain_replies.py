"""Two replies whose events are counted: a text and a call. Faults are put before each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.model_server import (
    text,
    thinking,
    tool,
)

if TYPE_CHECKING:
    from tests.support.model_steps import Step
SECRET = "SECRET-of-the-upstream"
"""A text in upstream errors that no user may see."""

PLAIN: tuple[Step, ...] = (text("Hel", "lo."), text("Bye."))
PLAIN_EVENTS = 11
CALLING_EVENTS = 15


def calling() -> tuple[Step, ...]:
    """A reply that thinks, speaks and calls; no call has the id of another."""
    return thinking("Hm"), text("Let me see."), tool("navigate_to", {"path": "/projects"})


def said_before(steps: tuple[Step, ...], index: int) -> str:
    """What of a scripted reply's text goes out before an event."""
    said, place = "", 1
    for number, step in enumerate(steps):
        for part in step.parts(number):  # type: ignore[union-attr]  # these scripts have blocks alone
            if place < index and b'"text_delta"' in part.data:  # type: ignore[union-attr]  # and no controls
                said += str(part.data.decode().split('"text":"')[1].split('"')[0])  # type: ignore[union-attr]  # as above
            place += 2 if place == 1 else 1  # a ping follows the first event of the first block
    return said
