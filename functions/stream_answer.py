"""GET /conversations/{id}/stream: the rest of the running answer as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from shared.aws.lambda_handler import LambdaHandler
from shared.chat.rejoin import rejoin
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices
from shared.http.sse import RejoinedStream

router = APIRouter()


@router.get(
    "/conversations/{conversation_id}/stream",
    status_code=200,
    response_class=RejoinedStream,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "The events of the answer"},
        204: {"description": "No answer is running, or its end has been told"},
    },
)
async def stream_answer(
    conversation_id: ConversationId,
    services: CurrentServices,
    caller: CurrentCaller,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Join the running answer, from its beginning or after the event in `Last-Event-ID`."""
    email = caller.principal.subject
    answer = await rejoin(services.repositories, services.followers, conversation_id, email, last_event_id)
    return Response(status_code=204) if answer is None else RejoinedStream(answer)


handler = LambdaHandler(router)
