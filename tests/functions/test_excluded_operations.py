"""Operations that are never tools, wherever the API is mounted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import APIRouter, FastAPI

from tests.support.background import served
from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.model_server import ModelServer
    from tests.support.service import Service

OFFERED = ("/projects", "/projects/{name}", "/authors", "/projects/{name}/status")
EXCLUDED = ("/auth/login", "/mfa/setup", "/status", "/projects/{name}/thumbnail")


def operations(word: str, *paths: str) -> APIRouter:
    """Make operations whose names tell them apart: a word and a number."""
    router = APIRouter()
    for number, path in enumerate(paths):

        async def answer() -> str:
            return "an answer"

        router.add_api_route(path, answer, operation_id=f"{word}_{number}")
    return router


async def names_of(service: Service, model_server: ModelServer) -> set[str]:
    async with service.client("admin@example.com") as client:
        model_server.script(reply(text("Hello")))
        await client.ask(await client.begin(), "Hi")
    return {name for name in model_server.chats[-1].tool_names if name.startswith(("offered", "excluded"))}


@pytest.mark.proves("tools.excluded")
@pytest.mark.parametrize("mount", ["", "/api", "/imbi/api/v2"])
async def test_exclusions_hold_under_any_mount(
    start_service: StartService, model_server: ModelServer, mount: str
) -> None:
    app = FastAPI()
    app.include_router(operations("offered", *OFFERED), prefix=mount)
    app.include_router(operations("excluded", *EXCLUDED), prefix=mount)
    with served(app) as url:
        names = await names_of(start_service(IMBI_INTERNAL_API_URL=url), model_server)
    assert names == {f"offered_{number}" for number in range(len(OFFERED))}


@pytest.mark.proves("tools.prefix-unknown", "tools.excluded")
async def test_where_no_mount_can_be_told_what_may_be_excluded_is_not_offered(
    start_service: StartService, model_server: ModelServer
) -> None:
    app = FastAPI()
    app.include_router(operations("offered", "/one/projects", "/other/way/teams", "/third"))
    app.include_router(operations("excluded", "/one/auth/login", "/other/way/mfa/setup", "/auth/x", "/far/off/auth"))
    with served(app) as url:
        names = await names_of(start_service(IMBI_INTERNAL_API_URL=url), model_server)
    assert names == {"offered_0", "offered_1", "offered_2"}
