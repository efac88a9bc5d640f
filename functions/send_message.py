"""POST /conversations/{id}/messages: the answer as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header

from shared.aws.lambda_handler import LambdaHandler
from shared.http.bodies import StrictRoute
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices
from shared.http.schemas import NewMessage, Problem, Text
from shared.http.sse import EventStream

router = APIRouter(route_class=StrictRoute)


@router.post(
    "/conversations/{conversation_id}/messages",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "The answer's events"},
        409: {"model": Problem, "description": "Another answer did not yield, or the same question is being answered"},
        422: {"model": Problem, "description": "The body does not validate, or the key came with another question"},
    },
)
async def send_message(
    conversation_id: ConversationId,
    services: CurrentServices,
    caller: CurrentCaller,
    body: NewMessage,
    idempotency_key: Annotated[Text | None, Header(min_length=1, max_length=255)] = None,
) -> EventStream:
    """Ask something and be answered; with the same key again, be told the same answer."""
    chat = await services.chat()
    return EventStream(await chat.answer(caller, conversation_id, body.content, key=idempotency_key))


handler = LambdaHandler(router)
