"""The messages of a conversation as clients see them: each answer with its rating and the way in which it ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from shared.agent.outcome import decode_outcome, is_early
from shared.claude.capabilities import capabilities_of
from shared.domain.content_blocks import thinking_of
from shared.domain.events import AnswerFailed
from shared.domain.replaced_questions import is_question

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.agent.outcome import Outcome
    from shared.domain.feedback import Feedback
    from shared.domain.models import StoredMessage
    from shared.domain.parked_rounds import ParkedRound
    from shared.graph.conversations import WholeConversation


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message, and the end of its answer if it is the last one of the answer."""

    message: StoredMessage
    outcome: Outcome | None = None
    parked: ParkedRound | None = None
    """The approval that the message's calls needed."""
    thinking: str | None = None
    """The model's thinking, if the event `thinking` showed it."""
    feedback: Feedback | None = None
    """The user's rating of the answer."""

    @property
    def is_partial(self) -> bool:
        """Whether the answer was cut off at this message."""
        is_answer = self.message.role == "assistant"
        return self.message.is_partial or (is_answer and self.outcome is not None and is_early(self.outcome))

    @property
    def stop_reason(self) -> str | None:
        """The reason for the end of the answer; None if it has failed, or has not ended here."""
        return None if self.outcome is None or isinstance(self.outcome, AnswerFailed) else self.outcome.stop_reason

    @property
    def error(self) -> AnswerFailed | None:
        """The reason for the failure of the answer. If the answer has no message, its question has the reason."""
        return self.outcome if isinstance(self.outcome, AnswerFailed) else None


def shown_messages(whole: WholeConversation, *, include_superseded: bool = False) -> list[ShownMessage]:
    """Return the messages with the ends of their answers, approvals and ratings; replaced ones only if asked for.

    An answer whose end is not stored has failed, unless it is running: its process was killed.
    """
    conversation, messages = whole.conversation, whole.messages
    last = max((message.sequence for message in messages if is_question(message)), default=-1)
    approvals = {each.message_id: each for each in whole.parked}
    shown: list[ShownMessage] = []
    for exchange in exchanges(messages):
        is_running = conversation.is_answering and exchange[0].sequence == last
        shown += _with_end(exchange, is_running=is_running)
    shows_thinking = capabilities_of(conversation.model).thinking_display
    return [
        replace(
            each,
            parked=approvals.get(each.message.id),
            thinking=_thinking(each) if shows_thinking else None,
            feedback=whole.feedback.get(str(each.message.id)),
        )
        for each in shown
        if include_superseded or not each.message.is_superseded
    ]


def _thinking(shown: ShownMessage) -> str | None:
    return thinking_of(shown.message.blocks or ()) or None


def exchanges(messages: Sequence[StoredMessage]) -> Iterator[Sequence[StoredMessage]]:
    """Split messages before each question."""
    starts = [index for index, message in enumerate(messages) if index == 0 or is_question(message)]
    return (messages[start:end] for start, end in pairwise([*starts, len(messages)]))


def _with_end(exchange: Sequence[StoredMessage], *, is_running: bool) -> list[ShownMessage]:
    answers = [index for index, message in enumerate(exchange) if message.role == "assistant"]
    end = answers[-1] if answers else 0
    question = exchange[0]
    # Older versions stored the end only with a question that has an idempotency key, and other services never do.
    record = None if is_running else question.outcome
    outcomes = [
        decode_outcome(message.outcome) if message.outcome and index else None for index, message in enumerate(exchange)
    ]
    if outcomes[end] is None and record is not None:
        outcomes[end] = decode_outcome(record)
    return [ShownMessage(message, outcome) for message, outcome in zip(exchange, outcomes, strict=True)]
