"""The response to a message that is only a thumb: the latest answer is rated, and the model is not asked.

Neither the message nor the response is stored among the messages, so the model never sees them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from shared.chat.shown_messages import exchanges
from shared.domain.events import AnswerStored, BlockFinished, TextAdded
from shared.domain.feedback import FEEDBACK_NOTED
from shared.domain.models import NO_USAGE
from shared.graph.feedback import AnswerId
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from shared.agent.outcome import Interruption
    from shared.domain.events import AnswerEvent
    from shared.domain.feedback import Rating
    from shared.domain.models import StoredMessage
    from shared.graph.conversations import WholeConversation
    from shared.graph.repositories import Repositories

_THANKS = "Thank you, your feedback on the last answer is noted."
_REPLY_IN_WORDS = " If you meant it as a reply, please write it in words."
_STILL_WAITS = " The question before it is still open: please reply “approve” or “reject”."
_NOTHING_TO_RATE = "There is no answer yet that you could rate."
_NO_ANSWER = "Your last question has no answer that you could rate."


class NotedFeedback:
    """Emits one sentence and the end of an answer. It never writes to the conversation."""

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def lease(self) -> None:
        """Nothing is written, so there is no lease."""

    async def run(self, emit: Callable[[AnswerEvent], Awaitable[None]]) -> None:
        """Emit the sentence and the end. The id in the end is that of no stored message."""
        await emit(TextAdded(self._text))
        await emit(BlockFinished())
        await emit(AnswerStored(uuid4(), NO_USAGE, FEEDBACK_NOTED))

    def interrupt(self, reason: Interruption) -> None:
        """Do nothing: the sentence ends by itself."""


async def note_feedback(repositories: Repositories, conversation_id: UUID, email: str, rating: Rating) -> NotedFeedback:
    """Store a rating of the latest answer that has ended; its comment, if it has one, stays if the rating is the same.

    Raises:
        ConversationNotFound: the user has no such conversation.
        GraphUnavailable: the database cannot be reached.
    """
    whole = await repositories.conversations.read(conversation_id, email)
    ended = _ended_exchanges(whole)
    if not ended:
        return NotedFeedback(_NOTHING_TO_RATE)
    answer = next((message for message in reversed(ended[-1]) if message.role == "assistant"), None)
    if answer is None:
        return NotedFeedback(_NO_ANSWER)
    earlier = whole.feedback.get(str(answer.id))
    comment = earlier.comment if earlier is not None and earlier.rating == rating else ""
    await repositories.feedback.store(AnswerId(conversation_id, answer.id), email, rating, comment)
    return NotedFeedback(_THANKS + (_STILL_WAITS if _waits(whole, answer) else _REPLY_IN_WORDS))


def _ended_exchanges(whole: WholeConversation) -> list[Sequence[StoredMessage]]:
    current = [message for message in whole.messages if not message.is_superseded]
    found = list(exchanges(current)) if current else []
    return found[:-1] if whole.conversation.is_answering else found


def _waits(whole: WholeConversation, answer: StoredMessage) -> bool:
    """Return whether the answer ended with calls that still wait for the user's decision."""
    return any(parked.message_id == answer.id and parked.is_open(clock.now()) for parked in whole.parked[-1:])
