"""The limits of each user: tokens a day, messages a minute, and answers at the same time."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.errors import LimitReached

_TOLD_PERCENT = 80
_BUSY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user has used up when a question arrives; times are in seconds."""

    tokens_today: int
    messages: int
    """The questions of the last minute."""
    message_wait: int
    """The time until one more question is allowed, if the limit is reached."""
    running: int
    """The user's running answers in other conversations, in all processes."""
    day_wait: int
    """The time until the next UTC day."""


@dataclass(frozen=True, slots=True)
class UserLimits:
    """The limits; 0 means that there is none."""

    tokens_per_day: int = 0
    messages_per_minute: int = 0
    concurrent_answers: int = 0

    @property
    def are_set(self) -> bool:
        """Whether there is any limit."""
        return bool(self.tokens_per_day or self.messages_per_minute or self.concurrent_answers)

    @property
    def told_tokens(self) -> int:
        """The number of tokens from which the user is told, once a day."""
        return -(-self.tokens_per_day * _TOLD_PERCENT // 100)

    def check(self, standing: Standing) -> None:
        """Check that a user may ask one more question.

        Raises:
            LimitReached: a limit is reached; the message is a sentence for the user.
        """
        if 0 < self.tokens_per_day <= standing.tokens_today:
            raise LimitReached(
                f"You have used the {self.tokens_per_day:,} tokens that you may use per day."
                " The count begins again at midnight UTC.",
                standing.day_wait,
            )
        if 0 < self.messages_per_minute <= standing.messages:
            raise LimitReached(
                "You have sent as many messages as you may send per minute. Please wait a moment.",
                standing.message_wait,
            )
        if 0 < self.concurrent_answers <= standing.running:
            raise LimitReached(
                "As many of your answers are running as may run at the same time. Please wait until one has ended.",
                _BUSY_SECONDS,
            )

    def notice(self, tokens: int) -> str:
        """Return the sentence for a user who has used most of the tokens of the day."""
        percent = min(tokens * 100 // self.tokens_per_day, 100)
        return f"Note: you have used {percent} % of the {self.tokens_per_day:,} tokens that you may use today (UTC)."
