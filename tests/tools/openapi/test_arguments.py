"""Arguments of a call, as the API reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared.domain.errors import ToolError
from tests.support.imbi_api import ADMIN, ImbiApi, called
from tests.support.openapi_documents import of_body

if TYPE_CHECKING:
    from shared.domain.models import JsonObject
    from shared.tools.openapi.toolset import OpenAPIToolset


async def test_arguments_go_where_they_belong(tools: OpenAPIToolset) -> None:
    arguments = {"org_slug": "acme", "filter": ["a:eq:b", "c:ne:d e"], "slim": True, "page_size_": 5, "x-trace": "t"}
    answer = await called(tools, "list_projects", **arguments)
    assert answer["query"] == "filter=a%3Aeq%3Ab&filter=c%3Ane%3Ad%20e&slim=true&page%5Bsize%5D=5"
    assert (answer["page_size"], answer["trace"]) == (5, "t")


async def test_null_parameters_are_not_sent(tools: OpenAPIToolset) -> None:
    answer = await called(tools, "list_projects", org_slug="acme", filter=None, slim=None, limit=None)
    assert answer["query"] == ""


async def test_null_is_sent_in_a_body_that_allows_it(tools: OpenAPIToolset) -> None:
    answer = await called(tools, "create_project", org_slug="acme", name="A", description=None, kind=None)
    assert answer == {"org": "acme", "name": "A", "description": None}


async def test_a_body_takes_additional_fields(tools: OpenAPIToolset) -> None:
    answer = await called(tools, "create_project", org_slug="acme", name="A", framework="fastapi", parent={"name": "B"})
    assert answer == {"org": "acme", "name": "A", "framework": "fastapi", "parent": {"name": "B"}}


async def test_a_field_and_a_parameter_of_one_name_are_told_apart(tools: OpenAPIToolset) -> None:
    answer = await called(tools, "update_template", org_slug="acme", slug__path="old", slug="new")
    assert answer == {"org": "acme", "path": "old", "slug": "new"}


async def test_a_list_is_a_whole_body(tools: OpenAPIToolset) -> None:
    steps = [{"op": "replace", "path": "/name", "value": "B"}]
    assert (await called(tools, "patch_project", org_slug="a", project_id="1", operations=steps))["count"] == 1
    assert (await called(tools, "patch_project", org_slug="a", project_id="1", operations=json.dumps(steps)))[
        "count"
    ] == 1


async def test_a_required_body_without_fields_is_sent_empty(tools: OpenAPIToolset) -> None:
    assert await called(tools, "scan_projects", org_slug="acme") == {"org": "acme", "depth": 1}


async def test_arguments_are_converted_to_the_types_of_the_schema(tools: OpenAPIToolset) -> None:
    answer = await called(tools, "list_projects", org_slug=12, slim="True", limit="7", filter="a:eq:b")
    assert answer["query"] == "slim=true&limit=7&filter=a%3Aeq%3Ab"
    assert (await called(tools, "list_projects", org_slug="a", limit=7.0))["query"] == "limit=7"
    assert (await called(tools, "scan_projects", org_slug="a", depth="1e1"))["depth"] == 10
    assert (await called(tools, "create_project", org_slug="a", name=5))["name"] == "5"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("list_projects", {}, "Missing required argument: org_slug."),
        ("create_project", {"org_slug": None}, "Missing required arguments: org_slug, name."),
        ("list_projects", {"org_slug": "a", "limit": "many"}, 'Argument limit must be an integer, not "many".'),
        ("list_projects", {"org_slug": "a", "limit": 1.5}, "Argument limit must be an integer, not 1.5."),
        ("list_projects", {"org_slug": ["a"]}, 'Argument org_slug must be a string, not ["a"].'),
        (
            "list_projects",
            {"org_slug": "a", "filters": "b"},
            'There is no argument "filters". list_projects takes org_',
        ),
        (
            "create_project",
            {"org_slug": "a", "name": "b", "kind": "c"},
            'Argument kind must be one of ["service", "lib',
        ),
        ("create_project", {"org_slug": "a", "name": True}, "Argument name must be a string, not true."),
        ("list_projects", {"org_slug": "a", "x-trace": "b\r\nc: d"}, "Argument x-trace has characters that cannot be"),
        ("create_file", {"org_slug": "a", "file": "data:text/csv;base64,?"}, "Argument file is no valid data: URI."),
        ("get_whoami", {}, "There is no tool named 'get_whoami'."),
        ("get_secrets", {"org_slug": "a", "project_id": "b"}, "There is no tool named 'get_secrets'."),
    ],
)
async def test_wrong_arguments_are_named(
    tools: OpenAPIToolset, api: ImbiApi, name: str, arguments: JsonObject, message: str
) -> None:
    before = len(api.seen)
    with pytest.raises(ToolError) as error:
        await tools.call(name, arguments, ADMIN)
    assert str(error.value).startswith(message)
    assert len(api.seen) == before


async def test_a_value_outside_the_choices_of_a_definition_is_refused() -> None:
    api = of_body(
        {
            "type": "object",
            "properties": {"b": {"$ref": "#/components/schemas/E"}, "c": {"$ref": "#/components/schemas/E"}},
        },
        components={"schemas": {"E": {"type": "string", "enum": [f"choice-{n}" for n in range(20)]}}},
    )
    with pytest.raises(ToolError, match=r'Argument b must be one of .*not "d"'):
        await api.sent("create_x", b="d")
