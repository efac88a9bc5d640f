"""The recorder of an answer's tokens: those of each round are stored with it, the rest at the answer's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.chat.recording import AnswerRecorder
from shared.domain.models import NO_USAGE, Usage
from shared.graph.usage import added

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.outcome import Outcome
    from shared.domain.events import TurnPrepared
    from shared.domain.models import Message
    from shared.graph.statements import BoundStatement


class UsageRecorder(AnswerRecorder):
    """Records the tokens of one answer. If its process is killed, only those of the running round are missing."""

    def __init__(self, user: str, model: str) -> None:
        self._user = user
        self._model = model
        self._stored = NO_USAGE
        self._sent = NO_USAGE

    def prepare(self, prepared: TurnPrepared) -> None:
        """Take the model of the next replies."""
        self._model = prepared.model or self._model

    def of_messages(self, messages: Sequence[Message]) -> Sequence[BoundStatement]:
        """Return the statement that adds the tokens of a round."""
        self._sent = sum(map(_usage_of, messages), NO_USAGE)
        return [] if self._sent == NO_USAGE else [added(self._user, self._model, self._sent)]

    def note_stored(self) -> None:
        """Note that the round is stored."""
        self._stored += self._sent
        self._sent = NO_USAGE

    def of_end(self, _messages: Sequence[Message], outcome: Outcome) -> Sequence[BoundStatement]:
        """Return the statement that adds the tokens that were used since the last stored round."""
        return [added(self._user, self._model, outcome.usage - self._stored, answers=1)]

    def of_lost_end(self, outcome: Outcome) -> Sequence[BoundStatement]:
        """Return the same statement: the tokens were used, even if there is no conversation to write to."""
        return self.of_end((), outcome)


def _usage_of(message: Message) -> Usage:
    counts = message.token_usage or {}
    return Usage(**{name: count for name in Usage.__slots__ if isinstance(count := counts.get(name), int)})
