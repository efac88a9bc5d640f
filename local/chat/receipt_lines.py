"""The lines that show what a tool call changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local.chat.events import printable

if TYPE_CHECKING:
    from pydantic import JsonValue

    from local.chat.events import CallDetails, Change

_MOST_LINES = 6
_LONGEST_VALUE = 60


def receipt_lines(call: CallDetails) -> list[str]:
    """Return a line for each change, and one that says how to take them back; none where nothing is known."""
    receipt = call.receipt
    if receipt is None:
        return []
    lines = [_change_line(change) for change in call.changes[:_MOST_LINES]]
    if receipt.kind != "changed":
        lines.append(f"  {receipt.kind}: {receipt.path}")
    more = len(call.changes[_MOST_LINES:]) + receipt.left_out
    if more > 0:
        lines.append(f"  and {more} more")
    if receipt.can_be_undone:
        lines.append('  Say "undo that" to take it back.')
    return lines


def _change_line(change: Change) -> str:
    name = change.path.lstrip("/")
    if change.is_secret:
        return f"  {name}: a secret"
    before = _shown(change.before) if "before" in change.model_fields_set else "nothing"
    after = _shown(change.after) if "after" in change.model_fields_set else "nothing"
    return f"  {name}: {before} → {after}"


def _shown(value: JsonValue) -> str:
    text = printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
