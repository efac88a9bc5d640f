"""GET /status."""

from __future__ import annotations

from fastapi import APIRouter, Response

from shared.aws.buffered import BufferedHandler
from shared.http.app import version
from shared.http.dependencies import CurrentSource
from shared.http.schemas import Status

router = APIRouter()


@router.get("/status", responses={503: {"model": Status, "description": "The database cannot be reached"}})
async def status(source: CurrentSource, response: Response) -> Status:
    """Say how the service is; no authentication."""
    is_well = await (await source.get()).is_well()
    response.status_code = 200 if is_well else 503
    return Status(
        environment=source.settings.environment,
        status="ok" if is_well else "failing",
        version=version(),
        started_at=source.started_at,
    )


handler = BufferedHandler(router, is_bare=True)
