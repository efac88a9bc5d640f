"""GET /status."""

from __future__ import annotations

from fastapi import APIRouter, Response

from shared.aws.lambda_handler import LambdaHandler
from shared.domain.version import version
from shared.http.dependencies import CurrentServices
from shared.http.schemas import Status

router = APIRouter()


@router.get("/status", responses={503: {"model": Status, "description": "The graph cannot be used"}})
async def status(services: CurrentServices, response: Response) -> Status:
    """Return the state of the service, without authentication."""
    is_healthy = await services.is_healthy()
    response.status_code = 200 if is_healthy else 503
    return Status(
        environment=services.settings.environment,
        status="ok" if is_healthy else "failing",
        version=version(),
        started_at=services.started_at,
    )


handler = LambdaHandler(router, is_bare=True)
