"""Tools that the browser runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.messages_api.tools import tool_problems
from shared.domain.errors import ToolError
from shared.tools.client_side import RESOURCES, ClientSideToolset
from tests.support.imbi_api import GUEST

if TYPE_CHECKING:
    from shared.domain.ports import Toolset

pytestmark = pytest.mark.anyio

TOOLS: Toolset = ClientSideToolset()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def call(name: str, arguments: dict[str, Any]) -> str:
    output = await TOOLS.call(name, arguments, GUEST)
    assert not output.is_error
    return str(output.content)


async def test_both_tools_are_there_for_everybody() -> None:
    await TOOLS.ensure_loaded()
    definitions = TOOLS.definitions(GUEST.principal)
    assert [definition.name for definition in definitions] == ["navigate_to", "refresh_data"]
    assert TOOLS.in_browser
    assert list(tool_problems({"tools": [json.loads(definition.encoded) for definition in definitions]})) == []
    await TOOLS.aclose()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/projects",
        "/projects/abc?tab=logs#top",
        "/a%20b/c",
        "/teams/é",
        "/x?next=/a//b",
        "/project-types/a..b",
        "/q?s=a%2Fb%0A",
    ],
)
async def test_a_page_of_the_ui_is_opened(path: str) -> None:
    assert await call("navigate_to", {"path": path}) == f"The user's browser is opening {path}."


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        7,
        ["/"],
        "projects",
        "https://evil.example.com/",
        "javascript:alert(1)",
        "/javascript:alert(1)",
        "/ JavaScript:alert(1)",
        "//evil.example.com",
        "/%2Fevil.example.com",
        "/%252Fevil.example.com",
        "/\\evil.example.com",
        "/%5Cevil.example.com",
        "\\\\evil.example.com",
        "/\t/evil.example.com",
        "/\n/evil.example.com",
        "/a\x00b",
        "/a%00b",
        "/a b",
        "/../etc",
        "/a/..",
        "/a/%2e%2e/b",
        "/./a",
        "/a//b",
        "/\u202eabc",
        "/\ud800",
        "/" + "a" * 2048,
        "/%" + "25" * 20 + "41",
    ],
)
async def test_nothing_else_is_opened(path: object) -> None:
    with pytest.raises(ToolError, match=r"path"):
        await TOOLS.call("navigate_to", {"path": path}, GUEST)  # type: ignore[dict-item]  # wrong on purpose


@pytest.mark.parametrize("resource", RESOURCES)
async def test_a_listed_resource_is_fetched_again(resource: str) -> None:
    assert await call("refresh_data", {"resource": resource}) == f"The user's browser is fetching {resource} again."
    await call("refresh_data", {"resource": resource, "org_slug": "acme"})
    await call("refresh_data", {"resource": resource, "org_slug": None})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "resource must be one of projects, project_types"),
        ({"resource": "secrets"}, "not 'secrets'"),
        ({"resource": ["projects"]}, "resource must be one of"),
        ({"resource": "projects", "org_slug": ""}, "org_slug must be"),
        ({"resource": "projects", "org_slug": 1}, "org_slug must be"),
        ({"resource": "projects", "org_slug": "a\nb"}, "org_slug must be"),
        ({"resource": "projects", "org": "a"}, "refresh_data has no argument 'org'; it takes org_slug, resource"),
    ],
)
async def test_nothing_else_is_fetched(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ToolError, match=message):
        await TOOLS.call("refresh_data", arguments, GUEST)


async def test_an_unknown_tool_is_told() -> None:
    with pytest.raises(ToolError, match="There is no tool named 'alert'"):
        await TOOLS.call("alert", {}, GUEST)
