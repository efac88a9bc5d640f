"""POST /conversations/{id}/approvals/{approval_id}: the answer that goes on, as server-sent events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header

from shared.aws.lambda_handler import LambdaHandler
from shared.http.dependencies import ApprovalId, ConversationId, CurrentCaller, CurrentServices
from shared.http.schemas import ApprovalDecision, ErrorDetail
from shared.http.sse import EventStream
from shared.http.strict_routes import StrictRoute

router = APIRouter(route_class=StrictRoute)


@router.post(
    "/conversations/{conversation_id}/approvals/{approval_id}",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "The events of the answer, which goes on"},
        409: {"model": ErrorDetail, "description": "The approval was decided before, or it has expired"},
    },
)
async def decide_approval(
    conversation_id: ConversationId,
    approval_id: ApprovalId,
    services: CurrentServices,
    caller: CurrentCaller,
    body: ApprovalDecision,
    prefer: Annotated[Sequence[str], Header()] = (),
) -> EventStream:
    """Approve or reject the tool calls that wait for the user's decision, and stream the rest of the answer."""
    chat = await services.chat()
    answer = await chat.decide(caller, conversation_id, approval_id, body.decision, body.reason)
    return EventStream.of(answer, services.frame_log, prefer)


handler = LambdaHandler(router)
