"""The document of a real Imbi API, where the machine has one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from local.messages_api.tools import tool_problems
from shared.domain.models import Principal
from shared.tools.openapi.document import Document
from shared.tools.openapi.left_out import LEFT_OUT
from shared.tools.openapi.naming import Endpoint, tool_names
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN

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
    assert len(definitions) == 296 - len(LEFT_OUT)
    assert list(tool_problems({"tools": definitions})) == []


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
    assert names.isdisjoint({*forbidden.split(), *LEFT_OUT})


async def test_the_definitions_stay_smaller_than_the_engines_although_they_explain_more(tools: OpenAPIToolset) -> None:
    assert sum(len(definition.encoded) for definition in tools.definitions(ADMIN.principal)) < 205_000


async def test_what_is_left_out_is_in_the_document() -> None:
    document = Document(json.loads(DOCUMENT.read_bytes()))
    names = tool_names(Endpoint(raw.method, raw.path, raw.operation_id) for raw in document.operations())
    assert set(names.values()) >= LEFT_OUT


async def test_most_arguments_are_explained(tools: OpenAPIToolset) -> None:
    schemas = [definition.input_schema["properties"] for definition in tools.definitions(ADMIN.principal)]
    arguments = [item for properties in schemas if isinstance(properties, dict) for item in properties.values()]
    unexplained = [item for item in arguments if isinstance(item, dict) and not item.get("description")]
    assert len(arguments) > 1000
    assert len(unexplained) <= 113


async def test_every_json_patch_names_its_paths(tools: OpenAPIToolset) -> None:
    texts = {
        definition.name: str(properties["operations"]["description"])  # type: ignore[call-overload,index]  # JSON
        for definition in tools.definitions(ADMIN.principal)
        if isinstance(properties := definition.input_schema["properties"], dict) and "operations" in properties
    }
    assert len(texts) == 24
    assert all("/" in text for text in texts.values())
    assert "/team_slug" in texts["patch_project"]


async def test_a_reader_is_offered_no_writing(tools: OpenAPIToolset) -> None:
    reader = Principal("r", "R", permissions=frozenset({"project:read", "team:read"}))
    names = {definition.name for definition in tools.definitions(reader)}
    assert {"list_projects", "list_teams"} <= names
    assert names.isdisjoint({"create_project", "patch_project", "create_team", "run_graph_query"})
