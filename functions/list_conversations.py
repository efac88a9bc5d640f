"""GET /conversations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from shared.aws.lambda_handler import LambdaHandler
from shared.domain.search_query import parse_query
from shared.http.dependencies import CurrentCaller, CurrentServices
from shared.http.schemas import Conversation, FoundConversation, Text

router = APIRouter()

_MAX_LIMIT = 100
_MAX_OFFSET = 2**31
_MAX_QUERY = 500


@router.get("/conversations")
async def list_conversations(
    services: CurrentServices,
    caller: CurrentCaller,
    limit: Annotated[int, Query(description=f"Limited to 1..{_MAX_LIMIT}")] = 20,
    offset: Annotated[int, Query(description="A value below 0 counts as 0")] = 0,
    include_archived: bool = False,  # noqa: FBT001, FBT002  # a query parameter
    q: Annotated[Text, Query(max_length=_MAX_QUERY, description="Words of titles and messages")] = "",
) -> list[FoundConversation | Conversation]:
    """List the caller's conversations, the last changed first; with `q`, only those that it finds, the best first."""
    limit, offset = min(max(limit, 1), _MAX_LIMIT), min(max(offset, 0), _MAX_OFFSET)
    email = caller.principal.subject
    if q.strip():
        found = await services.search.search(
            email, parse_query(q), limit=limit, offset=offset, include_archived=include_archived
        )
        return [FoundConversation.of(each) for each in found]
    conversations = await services.conversations.recent(
        email, limit=limit, offset=offset, include_archived=include_archived
    )
    return [Conversation.model_validate(conversation) for conversation in conversations]


handler = LambdaHandler(router)
