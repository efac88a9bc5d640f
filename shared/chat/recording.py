"""The records of an answer: statements that run in the transactions that store its messages."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.outcome import Outcome
    from shared.domain.events import TurnPrepared
    from shared.domain.models import Message
    from shared.graph.statements import BoundStatement


class AnswerRecorder:
    """Records one answer in tables of its own. A record is stored together with the messages, or neither is.

    Storing may be tried again, so each method returns the same statements for the same messages.
    """

    def of_question(self, _question: Message) -> Sequence[BoundStatement]:
        """Return the statements to run when the question is stored."""
        return ()

    def prepare(self, prepared: TurnPrepared) -> None:
        """Take the state of the turn before a reply."""

    def of_messages(self, _messages: Sequence[Message]) -> Sequence[BoundStatement]:
        """Return the statements to run when messages of the answer are stored."""
        return ()

    def note_stored(self) -> None:
        """Note that the statements for the last messages have been run."""

    def of_end(self, messages: Sequence[Message], _outcome: Outcome) -> Sequence[BoundStatement]:
        """Return the statements to run when the answer ends with its last messages, whatever its outcome."""
        return self.of_messages(messages)

    def of_lost_end(self, _outcome: Outcome) -> Sequence[BoundStatement]:
        """Return the statements to run when the answer ends and its conversation is gone, or is another answer's."""
        return ()


class Recorders:
    """All recorders of one answer."""

    def __init__(self, recorders: Sequence[AnswerRecorder] = ()) -> None:
        self._recorders = recorders

    def followed_by(self, *recorders: AnswerRecorder) -> Recorders:
        """Return these recorders and more, whose statements come last."""
        return Recorders([*self._recorders, *recorders])

    def of_question(self, question: Message) -> list[BoundStatement]:
        """Return the statements to run when the question is stored."""
        return list(chain.from_iterable(each.of_question(question) for each in self._recorders))

    def prepare(self, prepared: TurnPrepared) -> None:
        """Take the state of the turn before a reply."""
        for each in self._recorders:
            each.prepare(prepared)

    def of_messages(self, messages: Sequence[Message]) -> list[BoundStatement]:
        """Return the statements to run when messages of the answer are stored."""
        return list(chain.from_iterable(each.of_messages(messages) for each in self._recorders))

    def note_stored(self) -> None:
        """Note that the statements for the last messages have been run."""
        for each in self._recorders:
            each.note_stored()

    def of_end(self, messages: Sequence[Message], outcome: Outcome) -> list[BoundStatement]:
        """Return the statements to run when the answer ends with its last messages."""
        return list(chain.from_iterable(each.of_end(messages, outcome) for each in self._recorders))

    def of_lost_end(self, outcome: Outcome) -> list[BoundStatement]:
        """Return the statements to run when the answer ends and its conversation is gone, or is another answer's."""
        return list(chain.from_iterable(each.of_lost_end(outcome) for each in self._recorders))


NO_RECORDERS = Recorders()
"""For an answer of which nothing is recorded besides its messages."""
