"""GET /conversations/{id}/export."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from shared.aws.lambda_handler import LambdaHandler
from shared.http.dependencies import ConversationId, CurrentCaller, CurrentServices
from shared.http.export import ExportFormat, export

router = APIRouter()


@router.get(
    "/conversations/{conversation_id}/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/markdown": {}, "application/json": {}}, "description": "The file"}},
)
async def export_conversation(
    conversation_id: ConversationId,
    services: CurrentServices,
    caller: CurrentCaller,
    form: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.MARKDOWN,
) -> StreamingResponse:
    """Return a conversation as a file, in Markdown or JSON."""
    return await export(services.repositories, conversation_id, caller.principal.subject, form)


handler = LambdaHandler(router)
