"""The routes of the chat page: the HTML page, its files, and access tokens for the development users."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from local.page.loopback import is_from_this_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SAMPLES: Final = (
    "What can you do?",
    "Which teams are there?",
    "Which projects are written in Python?",
    "What happened in production lately?",
)
"""The questions that an empty conversation offers."""

_FOLDER: Final = Path(__file__).parent / "static"
_MEDIA_TYPES: Final = {".css": "text/css; charset=utf-8", ".mjs": "text/javascript; charset=utf-8"}
_PAGE_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageConfig(BaseModel):
    """The page's configuration: the prefix of the API's routes, the development users, sample questions."""

    prefix: str
    users: list[str]
    samples: list[str]


class IssuedToken(BaseModel):
    """An access token of a development user."""

    token: str


def page_router(
    issue_token: Callable[[str], str],
    users: Sequence[str],
    prefix: str = "",
    samples: Sequence[str] = SAMPLES,
) -> APIRouter:
    """Serve the chat page at `/`, and its files and data under `/_page/`.

    `prefix` is the path of the API's routes, without a slash at its end. The first user is the default. The token route
    lets its caller act as any of the users: it answers requests from this machine only, and the router must not be
    deployed.
    """
    router = APIRouter(include_in_schema=False)
    config = PageConfig(prefix=prefix, users=list(users), samples=list(samples))

    @router.get("/")
    def show_page() -> FileResponse:
        return FileResponse(_FOLDER / "index.html", headers=_PAGE_HEADERS)

    @router.get("/_page/config")
    def read_config() -> PageConfig:
        return config

    @router.get("/_page/token", dependencies=[Depends(_refuse_strangers)])
    def get_token(user: str, response: Response) -> IssuedToken:
        if user not in config.users:
            raise HTTPException(404, "No such development user")
        response.headers["Cache-Control"] = "no-store"
        return IssuedToken(token=issue_token(user))

    # This route comes last, because it matches every name under /_page/.
    router.add_api_route("/_page/{name}", _show_file)
    return router


def _show_file(name: str) -> FileResponse:
    file = _files().get(name)
    if file is None:
        raise HTTPException(404, "Not found")
    return FileResponse(file, media_type=_MEDIA_TYPES[file.suffix], headers=_PAGE_HEADERS)


def _files() -> dict[str, Path]:
    """Return the files that may be served; they are listed for each request, so that edits need no restart."""
    return {file.name: file for file in _FOLDER.iterdir() if file.suffix in _MEDIA_TYPES}


def _refuse_strangers(request: Request) -> None:
    if not is_from_this_machine(request):
        raise HTTPException(403, "Tokens are issued to this machine only")
