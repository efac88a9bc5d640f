"""The other records of the demo Imbi API, and its document."""

from __future__ import annotations

import httpx2
import pytest
from fastmcp import Client, FastMCP
from fastmcp.server.providers.openapi import MCPType, RouteMap
from openapi_pydantic import OpenAPI

from local.company.principals import ADMINISTRATOR_EMAIL, DEVELOPER_EMAIL, ORGANIZATION_SLUG, VIEWER_EMAIL
from local.demo_api import create_demo_api
from tests.support.demo_company import ORGANIZATION, PROJECTS, SECRET, bearer, project_named


async def test_project_types_show_their_filterable_attributes_on_request(api: httpx2.AsyncClient) -> None:
    path = f"{ORGANIZATION}/project-types/"
    plain = (await api.get(path, headers=bearer())).json()
    described = (await api.get(path, params={"include_schema": "true"}, headers=bearer())).json()
    schemas = {each["slug"]: {field["field"]: field for field in each["schema"]} for each in described}

    assert all("schema" not in project_type for project_type in plain)
    assert "Python" in schemas["http-api"]["programming_language"]["enum"]
    assert "engine" in schemas["database"]
    assert "engine" not in schemas["http-api"]


@pytest.mark.parametrize("kind", ["teams", "project-types", "environments"])
async def test_a_created_record_can_be_read_and_renamed_but_not_created_twice(
    api: httpx2.AsyncClient, kind: str
) -> None:
    path, headers = f"{ORGANIZATION}/{kind}/", bearer(ADMINISTRATOR_EMAIL)
    body = {"name": "Quality", "slug": "quality", "description": "Looks closely."}
    rename = [
        {"op": "replace", "path": "/name", "value": "Craft"},
        {"op": "replace", "path": "/slug", "value": "craft"},
    ]

    assert (await api.post(path, json=body, headers=headers)).status_code == 201
    assert (await api.post(path, json=body, headers=headers)).status_code == 409
    assert (await api.post(path, json={"name": "No slug"}, headers=headers)).status_code == 422
    assert (await api.get(f"{path}quality", headers=headers)).json()["description"] == "Looks closely."
    assert (await api.patch(f"{path}quality", json=rename, headers=headers)).json()["name"] == "Craft"
    assert (await api.get(f"{path}quality", headers=headers)).status_code == 404
    assert "craft" in {each["slug"] for each in (await api.get(path, headers=headers)).json()}


async def test_a_record_in_use_is_not_deleted(api: httpx2.AsyncClient) -> None:
    headers = bearer(ADMINISTRATOR_EMAIL)

    assert (await api.delete(f"{ORGANIZATION}/teams/identity", headers=headers)).status_code == 409
    assert (await api.delete(f"{ORGANIZATION}/project-types/library", headers=headers)).status_code == 409


@pytest.mark.parametrize(
    "path",
    [
        "/api/organizations/nowhere",
        "/api/organizations/nowhere/projects/",
        f"{PROJECTS}nothing",
        f"{ORGANIZATION}/teams/nobody",
        "/api/operations-log/never",
        "/api/users/nobody@example.com",
        "/api/uploads/nothing/thumbnail",
    ],
)
async def test_a_missing_record_answers_404(api: httpx2.AsyncClient, path: str) -> None:
    response = await api.get(path, headers=bearer())

    assert response.status_code == 404
    assert isinstance(response.json()["detail"], str)


async def test_the_operations_log_is_filtered_and_paged_newest_first(api: httpx2.AsyncClient) -> None:
    query = {"team_slug": "checkout", "environment_slug": "production", "entry_type": "Deployed", "limit": "3"}
    first = (await api.get("/api/operations-log/", params=query, headers=bearer())).json()
    cursor = first["data"][-1]["id"]
    second = (await api.get("/api/operations-log/", params={**query, "cursor": cursor}, headers=bearer())).json()
    times = [entry["occurred_at"] for entry in (*first["data"], *second["data"])]

    assert times == sorted(times, reverse=True)
    assert {entry["entry_type"] for entry in first["data"]} == {"Deployed"}
    assert {entry["environment_slug"] for entry in first["data"]} == {"production"}
    assert not {entry["id"] for entry in first["data"]} & {entry["id"] for entry in second["data"]}
    assert first["metrics"]["event_count"] == first["metrics"]["deploys"] > 3


async def test_an_operation_that_is_written_down_comes_first(api: httpx2.AsyncClient) -> None:
    project = await project_named(api, "Tax Service")
    body = {
        "project_id": project["id"],
        "environment_slug": "staging",
        "entry_type": "Restarted",
        "description": "Restarted to see whether that helps",
    }
    created = await api.post("/api/operations-log/", json=body, headers=bearer())
    path = f"{PROJECTS}{project['id']}/operations-log/"
    listed = (await api.get(path, params={"since": created.json()["occurred_at"]}, headers=bearer())).json()
    wrong = await api.post("/api/operations-log/", json={**body, "entry_type": "Fixed"}, headers=bearer())
    forbidden = await api.post("/api/operations-log/", json=body, headers=bearer(VIEWER_EMAIL))

    assert created.status_code == 201
    assert created.json()["performed_by"] == DEVELOPER_EMAIL
    assert listed["data"][0]["id"] == created.json()["id"]
    assert wrong.status_code == 422
    assert forbidden.status_code == 403


@pytest.mark.parametrize("body", ['{"name": NaN, "slug": "x"}', '{"name": "\\ud800", "slug": "x"}', "{", "[]"])
async def test_an_invalid_body_answers_422(api: httpx2.AsyncClient, body: str) -> None:
    headers = {**bearer(), "Content-Type": "application/json"}
    response = await api.post(f"{ORGANIZATION}/project-types/", content=body, headers=headers)

    assert response.status_code == 422
    assert response.json()["detail"][0].keys() == {"loc", "msg", "type"}


async def test_two_companies_are_the_same_and_apart(api: httpx2.AsyncClient) -> None:
    project = await project_named(api, "Tax Service")
    await api.post(f"{PROJECTS}{project['id']}/archive", headers=bearer())
    transport = httpx2.ASGITransport(create_demo_api(SECRET))
    async with httpx2.AsyncClient(transport=transport, base_url="http://imbi.test") as other:
        elsewhere = await project_named(other, "Tax Service")

    assert elsewhere["id"] == project["id"]
    assert not elsewhere["archived"]


async def test_llms_txt_lists_the_uis_url_patterns(api: httpx2.AsyncClient) -> None:
    response = await api.get("/llms.txt")

    assert response.headers["Content-Type"].startswith("text/plain")
    assert all(path in response.text for path in ("/projects/{project_id}", "/teams/{slug}", "/admin/project-types"))


async def test_the_document_is_valid_and_says_what_each_operation_needs(api: httpx2.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    OpenAPI.model_validate(document)
    operations = {
        operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()
    }
    listing = operations["list_projects_api_organizations__org_slug__projects__get"]
    no_tools = {
        path
        for path, each in document["paths"].items()
        if any(op.get("x-imbi-ai-tool") is False for op in each.values())
    }

    assert len(operations) >= 40
    assert all(path.startswith("/api/") for path in document["paths"])
    assert all(operation["summary"] and operation["description"] for operation in operations.values())
    assert listing["x-imbi-permission"] == ["project:read"]
    assert "x-imbi-permission" not in operations["get_current_user_profile_api_users_me_get"]
    assert no_tools == {path for path in document["paths"] if "/configuration/" in path}
    assert {"/api/status", "/api/mfa/status", "/api/auth/token", "/api/uploads/{upload_id}/thumbnail"} <= set(
        document["paths"]
    )


async def test_tools_can_be_made_from_the_document(api: httpx2.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    api.headers.update(bearer())
    server = FastMCP.from_openapi(document, client=api, route_maps=[RouteMap(mcp_type=MCPType.TOOL)])
    async with Client(server) as client:
        tools = {tool.name for tool in await client.list_tools()}
        name = next(tool for tool in tools if tool.startswith("list_projects_api"))
        arguments = {"org_slug": ORGANIZATION_SLUG, "slim": True, "filter": ["programming_language:eq:Rust"]}
        result = await client.call_tool(name, arguments)
        found = result.structured_content

    assert len(tools) >= 40
    assert found is not None
    assert {project["name"] for project in found["result"]} == {"Log Shipper", "Media Service"}
