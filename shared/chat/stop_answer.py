"""Stop the answer to a conversation, in any process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from shared.chat.active_answers import ActiveAnswers
    from shared.domain.models import Caller
    from shared.graph.repositories import Repositories


async def stop_answer(
    repositories: Repositories, answers: ActiveAnswers, conversation_id: UUID, caller: Caller
) -> None:
    """Stop the answer to a conversation; do nothing if none is running.

    Raises:
        ConversationNotFound: there is no such conversation, or it is another user's.
    """
    await repositories.conversations.require(conversation_id, caller.principal.subject)
    await repositories.leases.request_stop(conversation_id)
    await answers.stop(conversation_id)
