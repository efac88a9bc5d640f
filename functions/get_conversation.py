"""GET /conversations/{id}."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.buffered import BufferedHandler
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentRuntime
from shared.http.schemas import ConversationWithMessages

router = APIRouter()


@router.get("/conversations/{conversation_id}")
async def get_conversation(
    conversation_id: ConversationId, runtime: CurrentRuntime, caller: CurrentCaller
) -> ConversationWithMessages:
    """Read a conversation with its messages."""
    return ConversationWithMessages.of(*await runtime.conversations.get(conversation_id, caller.principal.subject))


handler = BufferedHandler(router)
