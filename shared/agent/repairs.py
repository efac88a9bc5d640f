"""Repairs of a history after the model's API has refused a part of it, so that the conversation can continue.

The API refuses a thinking block permanently if anything before it has changed. The repair sends the history without it.
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/fix-a-thinking-block-bound-to-a-different-conversation
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.models import HistoryEdits

if TYPE_CHECKING:
    from shared.agent.history import History
    from shared.domain.errors import RefusedPart


def repair(history: History, refused: RefusedPart) -> HistoryEdits | None:
    """Return the edit that leaves out the refused part, or None if all such edits already apply."""
    last = history.last
    without_thinking = HistoryEdits(thinking=last)
    without_images = HistoryEdits(thinking=last, images=last)
    plain = HistoryEdits(thinking=last, images=last, plain=last)
    steps = {
        "thinking": (without_thinking, plain),
        "image": (without_images, plain),
        "block": (plain,),
    }[refused]
    return next((edits for edits in steps if history.edits | edits != history.edits), None)
