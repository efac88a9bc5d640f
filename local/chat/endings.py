"""How an answer ended, if it did not end as usual, and what the user can do then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.domain.approvals import APPROVAL_REQUIRED
from shared.domain.feedback import FEEDBACK_NOTED

if TYPE_CHECKING:
    from local.chat.events import AnswerDone, AnswerFailed, Message

USUAL_STOPS: Final = frozenset({None, "end_turn", "stop_sequence", APPROVAL_REQUIRED, FEEDBACK_NOTED})
"""Any other stop reason means that the answer may be incomplete."""

_STOPS: Final = {
    "max_tokens": "The answer reached its length limit.",
    "model_context_window_exceeded": "The conversation has become too long for the model.",
    "refusal": "The model declined to answer.",
    "stopped": "The answer was stopped.",
}
_FINAL_STOPS: Final = frozenset({"model_context_window_exceeded"})
_FINAL_ERRORS: Final = frozenset({"authentication", "context_overflow", "invalid_request"})
"""Sending the same question again cannot help after these."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The reason for an early end in a sentence, and whether it can help to go on or to ask again."""

    text: str
    can_continue: bool
    can_retry: bool

    @property
    def hint(self) -> str:
        """What the user can do, in a sentence, or nothing."""
        offered = ["/continue lets it go on"] * self.can_continue + ["/retry asks again"] * self.can_retry
        sentence = ", ".join(offered)
        return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def ending_of_done(event: AnswerDone) -> Ending | None:
    """Return the ending of an answer that is complete; None for a usual one."""
    return None if event.stop_reason in USUAL_STOPS else _stopped(event.stop_reason)


def ending_of_failure(event: AnswerFailed, *, has_text: bool) -> Ending:
    """Return the ending of an answer that has just failed."""
    can_retry = event.retryable and event.code not in _FINAL_ERRORS
    return Ending(event.message, can_continue=has_text and can_retry, can_retry=can_retry)


def ending_of_stored(message: Message) -> Ending | None:
    """Return the ending of a stored answer, whose last message is given; None for a usual one."""
    if message.error is not None:
        can_retry = message.error.retryable and message.error.code not in _FINAL_ERRORS
        return Ending(message.error.message, can_continue=message.is_partial and can_retry, can_retry=can_retry)
    if message.role == "user":
        return Ending("There is no answer to this question.", can_continue=False, can_retry=True)
    if message.is_partial or message.stop_reason not in USUAL_STOPS:
        return _stopped(message.stop_reason)
    return None


def _stopped(stop_reason: str | None) -> Ending:
    text = _STOPS.get(stop_reason or "", "The answer is not complete.")
    is_final = stop_reason in _FINAL_STOPS
    return Ending(text, can_continue=not is_final and stop_reason != "refusal", can_retry=not is_final)
