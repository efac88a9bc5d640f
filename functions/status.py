"""GET /status."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, Request

from shared.aws.buffered import BufferedHandler
from shared.http.app import version
from shared.http.schemas import Status

if TYPE_CHECKING:
    from shared.http.app import RuntimeSource

router = APIRouter()


@router.get("/status")
async def status(request: Request) -> Status:
    """Say how the service is; no authentication."""
    source = cast("RuntimeSource", request.app.state.runtime)
    return Status(environment=source.settings.environment, status="ok", version=version(), started_at=source.started_at)


handler = BufferedHandler(router, is_bare=True)
