"""GET /conversations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shared.aws.lambda_handler import LambdaHandler
from shared.domain.search_query import parse_query
from shared.http.dependencies import CurrentCaller, CurrentServices
from shared.http.paging import RequestedPage
from shared.http.schemas import Conversation, FoundConversation, Text

router = APIRouter()

_MAX_QUERY = 500


@router.get("/conversations")
async def list_conversations(
    services: CurrentServices,
    caller: CurrentCaller,
    paging: RequestedPage,
    response: Response,
    q: Annotated[Text, Query(max_length=_MAX_QUERY, description="Words of titles and messages")] = "",
) -> list[FoundConversation | Conversation]:
    """List the caller's conversations, the last changed first; with `q`, only those that it finds, the best first."""
    email = caller.principal.subject
    if q.strip():
        found = await services.search.search(
            email,
            parse_query(q),
            limit=paging.limit,
            offset=paging.offset,
            include_archived=paging.include_archived,
        )
        return [FoundConversation.of(each) for each in found]
    page = await services.conversations.page(
        email,
        limit=paging.limit,
        offset=paging.offset,
        include_archived=paging.include_archived,
        before=paging.before,
    )
    paging.link(response, page.next)
    return [Conversation.model_validate(conversation) for conversation in page.conversations]


handler = LambdaHandler(router)
