"""GET /conversations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from shared.aws.lambda_handler import LambdaHandler
from shared.http.dependencies import CurrentCaller, CurrentServices
from shared.http.schemas import Conversation

router = APIRouter()

_MAX_LIMIT = 100
_MAX_OFFSET = 2**31


@router.get("/conversations")
async def list_conversations(
    services: CurrentServices,
    caller: CurrentCaller,
    limit: Annotated[int, Query(description=f"Limited to 1..{_MAX_LIMIT}")] = 20,
    offset: Annotated[int, Query(description="A value below 0 counts as 0")] = 0,
    include_archived: bool = False,  # noqa: FBT001, FBT002  # a query parameter
) -> list[Conversation]:
    """List the caller's conversations; the one that changed last comes first."""
    conversations = await services.conversations.recent(
        caller.principal.subject,
        limit=min(max(limit, 1), _MAX_LIMIT),
        offset=min(max(offset, 0), _MAX_OFFSET),
        include_archived=include_archived,
    )
    return [Conversation.model_validate(conversation) for conversation in conversations]


handler = LambdaHandler(router)
