"""PATCH /conversations/{id}."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.lambda_handler import LambdaHandler
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices
from shared.http.schemas import Conversation, ConversationChanges
from shared.http.strict_routes import StrictRoute

router = APIRouter(route_class=StrictRoute)


@router.patch("/conversations/{conversation_id}")
async def update_conversation(
    conversation_id: ConversationId, services: CurrentServices, caller: CurrentCaller, body: ConversationChanges
) -> Conversation:
    """Rename a conversation, archive it, or restore it."""
    updated = await services.conversations.update(
        conversation_id, caller.principal.subject, title=body.title, is_archived=body.is_archived
    )
    return Conversation.model_validate(updated)


handler = LambdaHandler(router)
