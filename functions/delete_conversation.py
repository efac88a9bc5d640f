"""DELETE /conversations/{id}."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.lambda_handler import LambdaHandler
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices

router = APIRouter()


@router.delete("/conversations/{conversation_id}", status_code=204)
async def delete_conversation(
    conversation_id: ConversationId, services: CurrentServices, caller: CurrentCaller
) -> None:
    """Delete a conversation and its messages."""
    await services.conversations.delete(conversation_id, caller.principal.subject)


handler = LambdaHandler(router)
