"""The recorder of receipts: each one is stored together with the result of its call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.graph.receipts import stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.outcome import Outcome
    from shared.domain.models import Caller, Lease, Message
    from shared.graph.statements import BoundStatement


class ReceiptRecorder:
    """Records the receipts of one answer."""

    def __init__(self, caller: Caller, lease: Lease) -> None:
        self._subject = caller.principal.subject
        self._conversation_id = lease.conversation_id

    def of_question(self, question: Message) -> Sequence[BoundStatement]:  # noqa: ARG002  # the protocol's signature
        """Return nothing: a question changes nothing."""
        return ()

    def of_messages(self, messages: Sequence[Message]) -> Sequence[BoundStatement]:
        """Return the statements that store the receipts of the messages' calls."""
        return [
            stored(receipt, self._conversation_id, self._subject)
            for message in messages
            for receipt in message.receipts
        ]

    def of_end(self, outcome: Outcome) -> Sequence[BoundStatement]:  # noqa: ARG002  # the protocol's signature
        """Return nothing: the receipts are stored with the rounds."""
        return ()
