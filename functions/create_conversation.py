"""POST /conversations."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Body

from shared.aws.lambda_handler import LambdaHandler
from shared.domain.models import Conversation as ConversationModel
from shared.http.dependencies import CurrentCaller, CurrentServices
from shared.http.schemas import Conversation, NewConversation
from shared.http.strict_routes import StrictRoute
from shared.util import clock

router = APIRouter(route_class=StrictRoute)


@router.post("/conversations", status_code=201)
async def create_conversation(
    services: CurrentServices, caller: CurrentCaller, body: Annotated[NewConversation | None, Body()] = None
) -> Conversation:
    """Create a conversation."""
    services.require_assistant()
    now = clock.now()
    created = await services.conversations.create(
        ConversationModel(
            id=uuid4(),
            user_email=caller.principal.subject,
            title=None,
            created_at=now,
            updated_at=now,
            model=(body and body.model) or services.settings.model,
            asks_before_changes=body is not None and body.asks_before_changes,
        )
    )
    return Conversation.model_validate(created)


handler = LambdaHandler(router)
