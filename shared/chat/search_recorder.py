"""The recorder that makes the messages of an answer findable in the transactions that store them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.graph import search

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.agent.outcome import Outcome
    from shared.domain.models import Message
    from shared.graph.statements import BoundStatement


class SearchRecorder:
    """Records the words of one answer's messages for the search."""

    def __init__(self, conversation_id: UUID, email: str) -> None:
        self._conversation_id = conversation_id
        self._email = email

    def of_question(self, question: Message) -> Sequence[BoundStatement]:
        """Return the statement that records the question."""
        return search.written(self._conversation_id, self._email, [question])

    def of_messages(self, messages: Sequence[Message]) -> Sequence[BoundStatement]:
        """Return the statement that records the messages."""
        return search.written(self._conversation_id, self._email, messages)

    def of_end(self, outcome: Outcome) -> Sequence[BoundStatement]:  # noqa: ARG002  # the port's signature
        """Record nothing: the outcome has no words."""
        return ()
