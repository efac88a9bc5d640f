"""Path parameters stay in their place."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI

from shared.domain.errors import ToolError
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.background import served
from tests.support.imbi_api import ADMIN, ImbiApi, called

REFUSED = [
    "",
    ".",
    "..",
    "../teams",
    "../x",
    "a/../b",
    "a/./b",
    "/etc",
    "a/",
    "a//b",
    "a\\b",
    "a%5Cb",
    "%2e%2e",
    "%2e%2e/x",
    "%252e%252e%252f",
    "a/%2e%2e%2fb",
    "..;/x",
    "a\x00b",
    "a\nb",
    "a%0Ab",
    "%" * 2 + "25" * 9,
]


@pytest.mark.parametrize("value", REFUSED)
async def test_a_value_that_may_lead_elsewhere_is_refused(api: ImbiApi, tools: OpenAPIToolset, value: str) -> None:
    before = len(api.seen)
    with pytest.raises(ToolError, match="Argument project_id"):
        await tools.call("get_project", {"org_slug": "acme", "project_id": value}, ADMIN)
    assert len(api.seen) == before


def refs_api() -> FastAPI:
    app = FastAPI()

    @app.get("/api/projects/{project}/refs/{ref:path}/commits")
    async def list_commits(project: str, ref: str) -> list[str]:
        return [project, ref]

    @app.get("/api/teams/{slug}")
    async def get_team(slug: str) -> str:
        return slug

    @app.get("/api/teams/{slug}/members")
    async def list_members(slug: str) -> str:
        return slug

    @app.get("/api/uploads/{name}")
    async def get_asset(name: str) -> str:
        return name

    @app.get("/api/uploads/{name}/thumbnail")
    async def get_thumbnail(name: str) -> str:
        return name

    return app


@pytest.mark.parametrize("ref", ["feature/login", "refs/heads/main", "a%2Fb", "feature/auth", "v1.0", "a/b;c"])
async def test_a_slash_is_sent_encoded_and_arrives(ref: str) -> None:
    with served(refs_api()) as url:
        tools = OpenAPIToolset(url, timeout=20.0)
        await tools.load()
        assert await called(tools, "list_commits", project="p1", ref=ref) == ["p1", ref]
        await tools.aclose()


@pytest.mark.parametrize(
    ("name", "argument", "value", "message"),
    [
        ("get_team", "slug", "a/members", "belongs to another operation"),
        ("get_team", "slug", "a%2Fmembers", "belongs to another operation"),
        ("get_team", "slug", "a/MEMBERS", "belongs to another operation"),
        ("get_asset", "name", "a/thumbnail", "belongs to another operation"),
        ("get_asset", "name", "a/b/thumbnail", "not available"),
    ],
)
async def test_a_slash_does_not_lead_to_another_operation(name: str, argument: str, value: str, message: str) -> None:
    tools = OpenAPIToolset("http://api", transport=httpx2.ASGITransport(refs_api()))
    await tools.load()
    with pytest.raises(ToolError, match=message):
        await tools.call(name, {argument: value}, ADMIN)
    await tools.aclose()


@pytest.mark.parametrize(
    "project_id", ["a b", "a?b=c", "a#b", "a;b", "ä", "a.b", "a%b", "{org_slug}", "a:b", "..a", "a&b"]
)
async def test_a_path_parameter_arrives_as_it_was(project_id: str) -> None:
    api = ImbiApi()
    with served(api.app) as url:
        tools = OpenAPIToolset(url, timeout=20.0)
        await tools.load()
        assert await called(tools, "get_project", org_slug="acme", project_id=project_id) == {
            "org": "acme",
            "id": project_id,
        }
        await tools.aclose()


async def test_a_parameter_does_not_lead_to_an_excluded_operation() -> None:
    app = FastAPI()

    @app.get("/api/{section}/{name}")
    async def get_thing(section: str, name: str) -> str:
        return f"{section}/{name}"

    @app.get("/api/teams/{name}/members")
    async def list_members(name: str) -> str:
        return name

    tools = OpenAPIToolset("http://api", transport=httpx2.ASGITransport(app))
    await tools.load()
    assert await called(tools, "get_thing", section="teams", name="auth") == "teams/auth"
    for section in ("auth", "AUTH", "mfa"):
        with pytest.raises(ToolError, match="not available"):
            await tools.call("get_thing", {"section": section, "name": "login"}, ADMIN)
    await tools.aclose()
