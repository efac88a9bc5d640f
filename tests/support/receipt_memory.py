"""Receipts in memory, with the rules of the stored ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.domain.receipts import Receipt


@dataclass
class ReceiptMemory:
    """A ReceiptStore that forgets at the end of its test."""

    kept: dict[tuple[str, str], Receipt] = field(default_factory=dict)

    def add(self, receipt: Receipt, subject: str) -> None:
        """Store a receipt, as the answer that has its call does."""
        self.kept.setdefault((receipt.id, subject), receipt)

    async def get(self, receipt_id: str, subject: str) -> Receipt | None:
        """Return a receipt of a user."""
        return self.kept.get((receipt_id, subject))

    async def claim(self, receipt_id: str, subject: str, by: str) -> bool:
        """Mark a receipt as undone."""
        receipt = self.kept[receipt_id, subject]
        if receipt.undone_by:
            return False
        self.kept[receipt_id, subject] = replace(receipt, undone_by=by)
        return True

    async def release(self, receipt_id: str, subject: str, by: str) -> None:
        """Remove the mark."""
        receipt = self.kept[receipt_id, subject]
        if receipt.undone_by == by:
            self.kept[receipt_id, subject] = replace(receipt, undone_by="")
