"""Questions that arrive again with the same Idempotency-Key, and the stored answers to them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from shared.domain.errors import AnswerRunning, KeyReused
from shared.domain.replaced_questions import is_question
from shared.graph import approvals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import JsonObject, Message, StoredMessage
    from shared.domain.parked_rounds import ParkedRound
    from shared.graph.connector import Rows


@dataclass(frozen=True, slots=True)
class AlreadyAsked:
    """The stored answer to a question that came before with the same key; the outcome is None if it is unknown."""

    messages: list[StoredMessage]
    outcome: JsonObject | None
    parked: ParkedRound | None = None
    """The parked round with which the answer ended, if it still waits for the user's decision."""


class AskedBefore(Exception):
    """Raised to roll back; not an error."""

    def __init__(self, answer: AlreadyAsked) -> None:
        super().__init__()
        self.answer = answer


def check_first_time(question: Message, earlier: Sequence[StoredMessage], parked: Rows, *, is_lease_free: bool) -> None:
    """Check that no earlier question has the same idempotency key.

    Raises:
        KeyReused: one has, with other content.
        AnswerRunning: one has, and it is being answered.
        AskedBefore: one has, and its answer has ended.
    """
    key = question.idempotency_key
    if not key:
        return
    index = next((i for i, message in enumerate(earlier) if message.idempotency_key == key), None)
    if index is None:
        return
    asked = earlier[index]
    if asked.content != question.content:
        raise KeyReused
    if not asked.outcome and not is_lease_free:
        raise AnswerRunning
    answer = takewhile(lambda message: not is_question(message), earlier[index + 1 :])
    messages = list(answer)
    waiting = approvals.read(parked)
    is_last = waiting is not None and bool(messages) and messages[-1].id == waiting.message_id
    raise AskedBefore(AlreadyAsked(messages, asked.outcome, waiting if is_last else None))
