"""The recorder that makes the messages of an answer findable in the transactions that store them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.chat.recording import AnswerRecorder
from shared.graph import search

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.domain.models import Message
    from shared.graph.statements import BoundStatement


class SearchRecorder(AnswerRecorder):
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
