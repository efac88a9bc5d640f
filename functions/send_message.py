"""POST /conversations/{id}/messages: the answer as server-sent events."""

from __future__ import annotations

from fastapi import APIRouter

from shared.aws.buffered import BufferedHandler
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentRuntime
from shared.http.schemas import NewMessage
from shared.http.sse import EventStream

router = APIRouter()


@router.post(
    "/conversations/{conversation_id}/messages",
    response_class=EventStream,
    responses={200: {"content": {"text/event-stream": {}}, "description": "The answer's events"}},
)
async def send_message(
    conversation_id: ConversationId, runtime: CurrentRuntime, caller: CurrentCaller, body: NewMessage
) -> EventStream:
    """Ask something and be answered."""
    assistant = await runtime.assistant()
    return EventStream(await assistant.answer(caller, conversation_id, body.content))


handler = BufferedHandler(router)
