"""GET /conversations/{id}."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.lambda_handler import LambdaHandler
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices
from shared.http.schemas import ConversationWithMessages

router = APIRouter()


@router.get("/conversations/{conversation_id}")
async def get_conversation(
    conversation_id: ConversationId, services: CurrentServices, caller: CurrentCaller
) -> ConversationWithMessages:
    """Return a conversation with its messages and its open approval."""
    email = caller.principal.subject
    return ConversationWithMessages.of(*await services.conversations.get_with_approval(conversation_id, email))


handler = LambdaHandler(router)
