"""The records of an answer: statements that run in the transactions that store its messages."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.outcome import Outcome
    from shared.domain.models import Message
    from shared.graph.statements import BoundStatement


class AnswerRecorder(Protocol):
    """Records one answer in tables of its own. A record is stored together with the messages, or neither is.

    Storing may be tried again, so each method returns the same statements for the same messages.
    """

    def of_question(self, question: Message) -> Sequence[BoundStatement]:
        """Return the statements to run when the question is stored."""
        ...

    def of_messages(self, messages: Sequence[Message]) -> Sequence[BoundStatement]:
        """Return the statements to run when messages of the answer are stored."""
        ...

    def of_end(self, outcome: Outcome) -> Sequence[BoundStatement]:
        """Return the statements to run when the answer ends, whatever its outcome."""
        ...


class Recorders:
    """All recorders of one answer."""

    def __init__(self, recorders: Sequence[AnswerRecorder] = ()) -> None:
        self._recorders = recorders

    def followed_by(self, recorder: AnswerRecorder) -> Recorders:
        """Return these recorders and one more, whose statements come last."""
        return Recorders([*self._recorders, recorder])

    def of_question(self, question: Message) -> list[BoundStatement]:
        """Return the statements to run when the question is stored."""
        return list(chain.from_iterable(each.of_question(question) for each in self._recorders))

    def of_messages(self, messages: Sequence[Message]) -> list[BoundStatement]:
        """Return the statements to run when messages of the answer are stored."""
        return list(chain.from_iterable(each.of_messages(messages) for each in self._recorders))

    def of_end(self, messages: Sequence[Message], outcome: Outcome) -> list[BoundStatement]:
        """Return the statements to run when the answer ends with its last messages."""
        return list(
            chain.from_iterable([*each.of_end(outcome), *each.of_messages(messages)] for each in self._recorders)
        )


NO_RECORDERS = Recorders()
"""For an answer of which nothing is recorded besides its messages."""
