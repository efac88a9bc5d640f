"""The routes of the chat page: the HTML page, its files, and access tokens for the development users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse
from pydantic import BaseModel

from local.page import static_files
from local.page.loopback import is_from_this_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

SAMPLES: Final = (
    "What can you do?",
    "Which teams are there?",
    "Which projects are written in Python?",
    "What happened in production lately?",
)
"""The questions that an empty conversation offers."""

_INCOMPLETE: Final = "The libraries of the chat page are not installed. `make venv` installs them from npm.\n"
_HEADERS: Final = {
    "Cache-Control": "no-cache",
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
    def show_page() -> Response:
        return _page() if static_files.is_complete() else PlainTextResponse(_INCOMPLETE, 503)

    @router.get("/_page/config")
    def read_config() -> PageConfig:
        return config

    @router.get("/_page/token", dependencies=[Depends(_refuse_strangers)])
    def get_token(user: str, response: Response) -> IssuedToken:
        if user not in config.users:
            raise HTTPException(404, "No such development user")
        response.headers["Cache-Control"] = "no-store"
        return IssuedToken(token=issue_token(user))

    # These routes come last, because one of them matches every name under /_page/.
    router.add_api_route("/_page/lib/{name}", _show_library)
    router.add_api_route("/_page/{name}", _show_file)
    return router


def _page() -> FileResponse:
    headers = {**_HEADERS, "Content-Security-Policy": static_files.security_policy()}
    return _served(static_files.PAGE, static_files.PAGE.name, headers)


def _show_library(name: str) -> FileResponse:
    return _served(static_files.library(name), name)


def _show_file(name: str) -> FileResponse:
    return _served(static_files.own_file(name), name)


def _served(file: Path | None, name: str, headers: Mapping[str, str] = _HEADERS) -> FileResponse:
    if file is None:
        raise HTTPException(404, "Not found")
    return FileResponse(file, media_type=static_files.media_type(name), headers=headers)


def _refuse_strangers(request: Request) -> None:
    if not is_from_this_machine(request):
        raise HTTPException(403, "Tokens are issued to this machine only")
