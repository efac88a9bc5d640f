"""Callers and paths of the demo Imbi API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt

from local.company.principals import DEVELOPER_EMAIL, ORGANIZATION_SLUG

if TYPE_CHECKING:
    import httpx2

SECRET = "a secret that only this test and its API know"
ORGANIZATION = f"/api/organizations/{ORGANIZATION_SLUG}"
PROJECTS = f"{ORGANIZATION}/projects/"


def bearer(
    subject: str = DEVELOPER_EMAIL, *, secret: str = SECRET, without: str | None = None, **changes: Any
) -> dict[str, str]:
    now = int(time.time())
    claims = {"sub": subject, "jti": "j1", "type": "access", "iat": now, "exp": now + 60, **changes}
    present = {name: value for name, value in claims.items() if name != without}
    return {"Authorization": f"Bearer {jwt.encode(present, secret, algorithm='HS256')}"}


async def project_named(api: httpx2.AsyncClient, name: str) -> dict[str, Any]:
    projects = (await api.get(PROJECTS, params={"slim": "true"}, headers=bearer())).json()
    found: dict[str, Any] = next(project for project in projects if project["name"] == name)
    return found
