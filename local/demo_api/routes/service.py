"""The status, the thumbnails, and the UI's URL patterns."""

from html import escape
from typing import Literal

from fastapi import APIRouter, Depends, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from local.demo_api.auth import Requires, StoreOf
from local.demo_api.errors import NotFound
from local.demo_api.llms import LLMS_TEXT
from local.demo_api.schemas.common import stable_id

status = APIRouter(prefix="/status", tags=["Status"])
uploads = APIRouter(prefix="/uploads", tags=["Uploads"])
ui = APIRouter()


class StatusResponse(BaseModel):
    """Service operational status."""

    service: str = "imbi"
    status: Literal["ok", "initializing", "error"]


@status.get("")
async def get_status() -> StatusResponse:
    """Return the operational status of the service."""
    return StatusResponse(status="ok")


@uploads.get("/{upload_id}/thumbnail", response_class=Response, dependencies=[Depends(Requires("upload:read"))])
async def get_upload_thumbnail(upload_id: str, store: StoreOf) -> Response:
    """Serve an upload's thumbnail; the demo has one badge a team."""
    for data in store.organizations.values():
        for team in data.teams:
            if stable_id("upload", team.id) == upload_id:
                return Response(_badge(team.name), media_type="image/svg+xml")
    raise NotFound(f"Upload with id {upload_id!r} not found")


@ui.get("/llms.txt", include_in_schema=False)
async def llms_text() -> PlainTextResponse:
    """List the URL patterns of Imbi's UI, for language models."""
    return PlainTextResponse(LLMS_TEXT)


def _badge(name: str) -> str:
    initials = escape("".join(word[0] for word in name.split() if word[0].isalpha())[:2].upper())
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" rx="12" '
        'fill="#3f6212"/><text x="32" y="41" font-family="sans-serif" font-size="26" fill="#fff" '
        f'text-anchor="middle">{initials}</text></svg>'
    )
