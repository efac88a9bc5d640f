"""GET /conversations/{id}."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.lambda_handler import LambdaHandler
from shared.chat.shown_messages import shown_messages
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices
from shared.http.schemas import ConversationWithMessages

router = APIRouter()


@router.get("/conversations/{conversation_id}")
async def get_conversation(
    conversation_id: ConversationId,
    services: CurrentServices,
    caller: CurrentCaller,
    include_superseded: bool = False,  # noqa: FBT001, FBT002  # a query parameter
) -> ConversationWithMessages:
    """Return a conversation with its messages; those that other questions have replaced only if they are asked for."""
    whole = await services.conversations.read(conversation_id, caller.principal.subject)
    return ConversationWithMessages.of(
        whole.conversation, shown_messages(whole, include_superseded=include_superseded), whole.parked
    )


handler = LambdaHandler(router)
