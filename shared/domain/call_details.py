"""What clients see of an ended tool call besides its result: how long it ran, and what it changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.domain.receipts import ShownReceipt


@dataclass(frozen=True, slots=True)
class CallDetails:
    """The details of one ended call. They are stored with the message that has its result."""

    call_id: str
    duration_ms: int
    receipt: ShownReceipt | None = None
