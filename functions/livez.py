"""GET /livez. Under Lambda there is no such function: an environment that does not live is replaced by itself."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

router = APIRouter()


class Liveness(BaseModel):
    """The body of the response."""

    status: Literal["ok"] = "ok"


@router.get("/livez")
async def livez() -> Liveness:
    """Return at once, without authentication and without the database: the process lives, and its event loop turns."""
    return Liveness()
