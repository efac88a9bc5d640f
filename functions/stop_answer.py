"""POST /conversations/{id}/stop."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.lambda_handler import LambdaHandler
from shared.chat.stop_answer import stop_answer as request_stop
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices

router = APIRouter()


@router.post("/conversations/{conversation_id}/stop", status_code=204)
async def stop_answer(conversation_id: ConversationId, services: CurrentServices, caller: CurrentCaller) -> None:
    """Stop the running answer, if there is one. The text so far is stored."""
    await request_stop(services.repositories, services.active_answers, conversation_id, caller)


handler = LambdaHandler(router)
