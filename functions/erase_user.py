"""DELETE /users/{email}/conversations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from shared.aws.lambda_handler import LambdaHandler
from shared.domain.errors import PermissionMissing
from shared.http.dependencies import CurrentCaller, CurrentServices
from shared.http.schemas import Text

router = APIRouter()


@router.delete("/users/{email}/conversations", status_code=204)
async def erase_user(
    email: Annotated[Text, Path(max_length=500)], services: CurrentServices, caller: CurrentCaller
) -> None:
    """Erase all conversations of a user, for administrators."""
    if not caller.principal.is_admin:
        raise PermissionMissing
    await services.repositories.erasure.erase(email)


handler = LambdaHandler(router)
