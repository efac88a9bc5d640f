"""GET /feedback."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from shared.aws.lambda_handler import LambdaHandler
from shared.domain.errors import PermissionMissing
from shared.http.audit import PERMISSION
from shared.http.dependencies import CurrentCaller, CurrentServices
from shared.http.feedback import FeedbackQuery

router = APIRouter()


@router.get("/feedback", response_class=Response, responses={200: {"content": {"application/x-ndjson": {}}}})
async def read_feedback(
    services: CurrentServices, caller: CurrentCaller, query: Annotated[FeedbackQuery, Query()]
) -> Response:
    """Return the users' ratings of answers: one JSON object for each, the newest first."""
    if not caller.principal.may([PERMISSION]):
        raise PermissionMissing
    return query.response(await services.repositories.feedback.page(query.filter(), query.size))


handler = LambdaHandler(router)
