"""The document of a real Imbi API, where the machine has one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from shared.domain.models import Principal
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN
from tests.support.model_tool_rules import tools as broken_rules

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DOCUMENT = Path(__file__).parents[4] / "shared" / "imbi-openapi.json"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not DOCUMENT.exists(), reason="the document is not on this machine"),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def tools() -> AsyncIterator[OpenAPIToolset]:
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, content=DOCUMENT.read_bytes()))
    toolset = OpenAPIToolset("http://imbi-api:8000", transport=transport)
    await toolset.load()
    yield toolset
    await toolset.aclose()


async def test_every_operation_that_may_be_is_an_accepted_tool(tools: OpenAPIToolset) -> None:
    definitions = [json.loads(definition.encoded) for definition in tools.definitions(ADMIN.principal)]
    assert len(definitions) == 296
    assert list(broken_rules({"tools": definitions})) == []


async def test_names_are_those_of_the_functions(tools: OpenAPIToolset) -> None:
    names = {definition.name for definition in tools.definitions(ADMIN.principal)}
    expected = "list_projects get_project patch_project list_teams create_project_type list_operation_logs"
    assert set(expected.split()) | {"add_user_to_organization", "add_service_account_to_organization"} <= names
    assert not [name for name in names if "api" in name.split("_")[2:] and "key" not in name]
    assert max(len(name) for name in names) <= 40


async def test_no_excluded_operation_is_a_tool(tools: OpenAPIToolset) -> None:
    names = {definition.name for definition in tools.definitions(ADMIN.principal)}
    forbidden = (
        "login token logout setup_mfa get_mfa_status get_status get_upload_thumbnail fetch_values create_api_key"
        " rotate_api_key create_sa_api_key rotate_sa_api_key create_client_credential rotate_client_credential"
        " change_password"
    )
    assert names.isdisjoint(forbidden.split())


async def test_the_definitions_are_a_third_smaller_than_those_of_fastmcp(tools: OpenAPIToolset) -> None:
    assert sum(len(definition.encoded) for definition in tools.definitions(ADMIN.principal)) < 155_000


async def test_a_reader_is_offered_no_writing(tools: OpenAPIToolset) -> None:
    reader = Principal("r", "R", permissions=frozenset({"project:read", "team:read"}))
    names = {definition.name for definition in tools.definitions(reader)}
    assert {"list_projects", "list_teams"} <= names
    assert names.isdisjoint({"create_project", "patch_project", "create_team", "run_graph_query"})
