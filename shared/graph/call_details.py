"""The details of ended tool calls as a property of the message that has their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import orjson

from shared.domain.call_details import CallDetails
from shared.domain.content_blocks import objects_in
from shared.domain.receipts import ReceiptKind, ShownReceipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue


def to_text(details: Sequence[CallDetails]) -> str | None:
    """Return details as JSON text; None if there are none."""
    return orjson.dumps(list(details)).decode() if details else None


def read(value: JsonValue) -> tuple[CallDetails, ...]:
    """Return the details in a property's value. What another version wrote otherwise is left out."""
    return tuple(
        CallDetails(str(each.get("call_id")), duration, _receipt(each.get("receipt")))
        for each in objects_in(value)
        if isinstance(duration := each.get("duration_ms"), int)
    )


def _receipt(value: JsonValue) -> ShownReceipt | None:
    if not isinstance(value, dict):
        return None
    kind = next((each for each in get_args(ReceiptKind) if each == value.get("kind")), None)
    left_out = value.get("left_out")
    if kind is None:
        return None
    return ShownReceipt(
        id=str(value.get("id")),
        kind=kind,
        path=str(value.get("path")),
        changes=tuple(objects_in(value.get("changes"))),
        left_out=left_out if isinstance(left_out, int) else 0,
        can_be_undone=value.get("can_be_undone") is True,
        undoes=str(value.get("undoes") or ""),
    )
