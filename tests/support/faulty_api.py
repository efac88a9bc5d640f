"""An Imbi API whose operations fail in every way that an upstream can."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import Response

from tests.support.observed_api import READS, ObservedApi

if TYPE_CHECKING:
    from fastapi import FastAPI

RESET = b"/api/reset"
"""What a proxy before the API resets the connection at."""


router = APIRouter()


@router.get("/reset", openapi_extra=READS)
async def reset() -> str:
    """Lose the connection."""
    return "never seen"


@router.get("/crash", openapi_extra=READS)
async def crash() -> str:
    """Fail in a way that nobody has thought of."""
    raise RuntimeError("SECRET of the API")


@router.get("/nul", openapi_extra=READS)
async def nul() -> str:
    """Return a text with NULs."""
    return "a\0b"


@router.get("/bytes", openapi_extra=READS)
async def bytes_() -> Response:
    """Return bytes that are no text."""
    return Response(bytes(range(256)), media_type="application/octet-stream")


@router.get("/broken_json", openapi_extra=READS)
async def broken_json() -> Response:
    """Return half of a JSON text with lone surrogates."""
    return Response(rb'{"a": "\ud800", "b": [', media_type="application/json")


@router.get("/short", openapi_extra=READS)
async def short() -> Response:
    """Promise more than is given."""
    return Response(b"{}", headers={"content-length": "1000"}, media_type="application/json")


@router.get("/slowly", openapi_extra=READS)
async def slowly() -> str:
    """Answer after a moment."""
    await asyncio.sleep(0.1)
    return "at last"


def faulty_api() -> FastAPI:
    """Make the application; it is served behind a proxy."""
    api = ObservedApi()
    api.app.include_router(router, prefix="/api")
    return api.app
