"""POST /conversations/{id}/messages: the answer as server-sent events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header

from shared.aws.lambda_handler import LambdaHandler
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices
from shared.http.schemas import ErrorDetail, NewMessage, Text
from shared.http.sse import EventStream
from shared.http.strict_routes import StrictRoute

router = APIRouter(route_class=StrictRoute)


@router.post(
    "/conversations/{conversation_id}/messages",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "The events of the answer"},
        404: {
            "model": ErrorDetail,
            "description": "There is no such conversation, or it has no such question to replace",
        },
        409: {
            "model": ErrorDetail,
            "description": "Another answer is being streamed, or the same message is being answered",
        },
        422: {
            "model": ErrorDetail,
            "description": "The body is invalid, or the key was used with another message",
        },
    },
)
async def send_message(
    conversation_id: ConversationId,
    services: CurrentServices,
    caller: CurrentCaller,
    body: NewMessage,
    idempotency_key: Annotated[Text | None, Header(min_length=1, max_length=255)] = None,
    prefer: Annotated[Sequence[str], Header()] = (),
) -> EventStream:
    """Send a message and stream the answer. A request with the same Idempotency-Key streams the same answer again."""
    chat = await services.chat()
    answer = await chat.answer(caller, conversation_id, body.content, key=idempotency_key, replaces=body.replaces)
    return EventStream.of(answer, services.frame_log, prefer)


handler = LambdaHandler(router)
