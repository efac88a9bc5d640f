"""DELETE /conversations/{id}/messages/{message_id}/feedback."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.lambda_handler import LambdaHandler
from shared.graph.feedback import AnswerId
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices, MessageId

router = APIRouter()


@router.delete("/conversations/{conversation_id}/messages/{message_id}/feedback", status_code=204)
async def delete_feedback(
    conversation_id: ConversationId, message_id: MessageId, services: CurrentServices, caller: CurrentCaller
) -> None:
    """Withdraw the rating of an answer, if there is one."""
    await services.repositories.feedback.withdraw(AnswerId(conversation_id, message_id), caller.principal.subject)


handler = LambdaHandler(router)
