"""POST /conversations/{id}/stop."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.buffered import BufferedHandler
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentRuntime

router = APIRouter()


@router.post("/conversations/{conversation_id}/stop", status_code=204)
async def stop_answer(conversation_id: ConversationId, runtime: CurrentRuntime, caller: CurrentCaller) -> None:
    """End the answer that is being streamed, if there is one; what it has said is kept."""
    await runtime.stop_answer(conversation_id, caller)


handler = BufferedHandler(router)
