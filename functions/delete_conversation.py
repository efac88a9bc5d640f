"""DELETE /conversations/{id}."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.buffered import BufferedHandler
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentRuntime

router = APIRouter()


@router.delete("/conversations/{conversation_id}", status_code=204)
async def delete_conversation(conversation_id: ConversationId, runtime: CurrentRuntime, caller: CurrentCaller) -> None:
    """Remove a conversation and its messages."""
    await runtime.conversations.delete(conversation_id, caller.principal.subject)


handler = BufferedHandler(router)
