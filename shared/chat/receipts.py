"""The recorder of receipts: each one is stored together with the result of its call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.chat.recording import AnswerRecorder
from shared.graph.receipts import stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import Caller, Lease, Message
    from shared.graph.statements import BoundStatement


class ReceiptRecorder(AnswerRecorder):
    """Records the receipts of one answer."""

    def __init__(self, caller: Caller, lease: Lease) -> None:
        self._subject = caller.principal.subject
        self._conversation_id = lease.conversation_id

    def of_messages(self, messages: Sequence[Message]) -> Sequence[BoundStatement]:
        """Return the statements that store the receipts of the messages' calls."""
        return [
            stored(receipt, self._conversation_id, self._subject)
            for message in messages
            for receipt in message.receipts
        ]
