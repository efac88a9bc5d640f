"""GET /audit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from shared.aws.lambda_handler import LambdaHandler
from shared.domain.errors import PermissionMissing
from shared.http.audit import PERMISSION, AuditQuery
from shared.http.dependencies import CurrentCaller, CurrentServices

router = APIRouter()


@router.get("/audit", response_class=Response, responses={200: {"content": {"application/x-ndjson": {}}}})
async def read_audit(
    services: CurrentServices, caller: CurrentCaller, query: Annotated[AuditQuery, Query()]
) -> Response:
    """Return what tools did, for whom: one JSON object for each call, the newest first."""
    if not caller.principal.may([PERMISSION]):
        raise PermissionMissing
    return query.response(await services.repositories.audit.page(query.filter(), query.size))


handler = LambdaHandler(router)
