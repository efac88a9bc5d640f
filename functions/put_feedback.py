"""PUT /conversations/{id}/messages/{message_id}/feedback."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.lambda_handler import LambdaHandler
from shared.graph.feedback import AnswerId
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices, MessageId
from shared.http.schemas import NewFeedback
from shared.http.strict_routes import StrictRoute

router = APIRouter(route_class=StrictRoute)


@router.put("/conversations/{conversation_id}/messages/{message_id}/feedback", status_code=204)
async def put_feedback(
    conversation_id: ConversationId,
    message_id: MessageId,
    services: CurrentServices,
    caller: CurrentCaller,
    body: NewFeedback,
) -> None:
    """Rate an answer. The rating and its comment replace earlier ones."""
    comment = (body.comment or "").strip()
    table = services.repositories.feedback
    await table.store(AnswerId(conversation_id, message_id), caller.principal.subject, body.rating, comment)


handler = LambdaHandler(router)
