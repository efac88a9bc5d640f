"""GET /usage."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from shared.aws.lambda_handler import LambdaHandler
from shared.domain.errors import PermissionMissing
from shared.http.dependencies import CurrentCaller, CurrentServices
from shared.http.usage import PERMISSION, Usage, UsageQuery

router = APIRouter()


@router.get("/usage")
async def read_usage(
    services: CurrentServices, caller: CurrentCaller, query: Annotated[UsageQuery, Query()]
) -> list[Usage]:
    """Return the caller's tokens by day and model; those of others only to those who may see them."""
    user = query.user or caller.principal.subject
    if (query.by == "user" or user != caller.principal.subject) and not caller.principal.may([PERMISSION]):
        raise PermissionMissing
    table = services.repositories.usage
    rows = await (table.by_user(query.days) if query.by == "user" else table.by_day(user, query.days))
    return [Usage.model_validate(row) for [row] in rows]


handler = LambdaHandler(router)
