"""The details of ended tool calls for clients, in events and in stored messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.domain.call_details import CallDetails
    from shared.domain.models import JsonObject
    from shared.domain.receipts import ShownReceipt


def details_body(details: CallDetails) -> JsonObject:
    """Return the details of a call, with the same members as in the event `tool_result`."""
    body: JsonObject = {"id": details.call_id, "duration_ms": details.duration_ms}
    return body | changes_and_receipt(details.receipt) if details.receipt else body


def changes_and_receipt(receipt: ShownReceipt) -> JsonObject:
    """Return a receipt as clients get it; the changes are beside it."""
    shown: JsonObject = {
        "id": receipt.id,
        "kind": receipt.kind,
        "path": receipt.path,
        "left_out": receipt.left_out,
        "can_be_undone": receipt.can_be_undone,
        "undoes": receipt.undoes or None,
    }
    return {"changes": [*receipt.changes], "receipt": shown}
