"""POST /conversations."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Body

from shared import times
from shared.aws.buffered import BufferedHandler
from shared.http.bodies import StrictRoute
from shared.http.dependencies import CurrentCaller, CurrentRuntime
from shared.http.schemas import Conversation, NewConversation
from shared.models import Conversation as ConversationModel

router = APIRouter(route_class=StrictRoute)


@router.post("/conversations", status_code=201)
async def create_conversation(
    runtime: CurrentRuntime, caller: CurrentCaller, body: Annotated[NewConversation | None, Body()] = None
) -> Conversation:
    """Begin a conversation."""
    runtime.require_assistant()
    now = times.now()
    created = await runtime.conversations.create(
        ConversationModel(
            id=uuid4(),
            user_email=caller.principal.subject,
            title=None,
            created_at=now,
            updated_at=now,
            model=(body and body.model) or runtime.settings.model,
        )
    )
    return Conversation.model_validate(created)


handler = BufferedHandler(router)
