"""A receipt as one line for the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.domain.content_blocks import text_block
from shared.tools.builtin import UNDO_CHANGE
from shared.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.domain.receipts import Receipt

_MOST_CHANGES = 6
_LONGEST_VALUE = 80


def with_notice(content: str | list[JsonObject], receipt: Receipt) -> str | list[JsonObject]:
    """Add the line to a result."""
    line = clean(notice(receipt))
    if isinstance(content, str):
        return f"{content}\n\n{line}"
    return [*content, text_block(line)]


def notice(receipt: Receipt) -> str:
    """Say what a call changed, and how to take it back."""
    if receipt.obstacle:
        undo = f"It cannot be undone with {UNDO_CHANGE}: {receipt.obstacle}."
    else:
        undo = f"To take it back: {UNDO_CHANGE} {json.dumps({'id': receipt.id})}."
    return f"[Receipt {receipt.id}: {summary(receipt)}. {undo}]"


def summary(receipt: Receipt) -> str:
    """Say what a call changed, as a clause."""
    if receipt.kind == "created":
        return f"created {receipt.path}"
    if receipt.kind == "removed":
        return f"removed {receipt.path}"
    return f"changed {receipt.path}: {changes_text(receipt.changes, receipt.left_out)}"


def changes_text(changes: Sequence[JsonObject], left_out: int) -> str:
    """Write changes as a list; it is empty where there are none."""
    texts = [_text(change) for change in changes[:_MOST_CHANGES]]
    more = len(changes) - len(texts) + left_out
    return "; ".join(texts) + (f"; and {more} more" if more else "")


def _text(change: JsonObject) -> str:
    name = str(change["path"]).lstrip("/") or "everything"
    if change.get("is_secret"):
        return f"{name} (a secret)"
    if "before" not in change:
        return f"{name} added: {_shown(change.get('after'))}"
    if "after" not in change:
        return f"{name} removed (it was {_shown(change['before'])})"
    return f"{name}: {_shown(change['before'])} → {_shown(change['after'])}"


def _shown(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
