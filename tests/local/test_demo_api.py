from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest
from fastmcp import Client, FastMCP
from fastmcp.server.providers.openapi import MCPType, RouteMap
from openapi_pydantic import OpenAPI

from local.company.principals import (
    ADMINISTRATOR_EMAIL,
    DEVELOPER_EMAIL,
    ORGANIZATION_SLUG,
    VIEWER_EMAIL,
    permissions_of,
)
from local.demo_api import create_demo_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

SECRET = "a secret that only this test and its API know"
ORGANIZATION = f"/api/organizations/{ORGANIZATION_SLUG}"
PROJECTS = f"{ORGANIZATION}/projects/"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def api() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(create_demo_api(SECRET))
    async with httpx2.AsyncClient(transport=transport, base_url="http://imbi.test") as client:
        yield client


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


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        bearer(secret="another secret, which is long enough as well"),
        bearer(exp=1),
        bearer(type="refresh"),
        bearer("nobody@example.com"),
        *(bearer(without=claim) for claim in ("sub", "jti", "type", "iat", "exp")),
    ],
)
async def test_a_bad_token_is_refused_with_a_challenge(api: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    response = await api.get(PROJECTS, headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "detail" in response.json()


async def test_a_service_account_is_let_in_with_its_roles_permissions(api: httpx2.AsyncClient) -> None:
    headers = bearer("release-bot", auth_method="client_credentials")

    assert (await api.get(PROJECTS, params={"slim": "true"}, headers=headers)).status_code == 200
    assert (await api.get(f"{ORGANIZATION}/teams/", headers=headers)).status_code == 403
    assert (await api.get("/api/users/me", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    ("email", "statuses"),
    [
        (VIEWER_EMAIL, {"read": 200, "project type": 403, "team": 403, "organization": 403}),
        (DEVELOPER_EMAIL, {"read": 200, "project type": 201, "team": 403, "organization": 403}),
        (ADMINISTRATOR_EMAIL, {"read": 200, "project type": 201, "team": 201, "organization": 201}),
    ],
)
async def test_what_a_user_may_do_depends_on_the_role(
    api: httpx2.AsyncClient, email: str, statuses: dict[str, int]
) -> None:
    headers, body = bearer(email), {"name": "New", "slug": "new"}
    responses = {
        "read": await api.get(f"{ORGANIZATION}/teams/", headers=headers),
        "project type": await api.post(f"{ORGANIZATION}/project-types/", json=body, headers=headers),
        "team": await api.post(f"{ORGANIZATION}/teams/", json=body, headers=headers),
        "organization": await api.post("/api/organizations/", json=body, headers=headers),
    }

    assert {name: response.status_code for name, response in responses.items()} == statuses


def test_each_role_may_do_more_than_the_one_it_inherits_from() -> None:
    assert permissions_of("viewer") < permissions_of("developer") < permissions_of("maintainer")
    assert permissions_of("maintainer") < permissions_of("administrator")
    assert all(permission.endswith(":read") for permission in permissions_of("viewer"))


async def test_the_profile_has_permissions_and_teams(api: httpx2.AsyncClient) -> None:
    profile = (await api.get("/api/users/me", headers=bearer())).json()

    assert profile["permissions"] == sorted(permissions_of("developer"))
    assert [team["team_slug"] for team in profile["teams"]] == ["identity"]


async def test_the_company_has_some_eighty_projects_of_eight_teams(api: httpx2.AsyncClient) -> None:
    projects = (await api.get(PROJECTS, params={"slim": "true"}, headers=bearer())).json()
    teams = (await api.get(f"{ORGANIZATION}/teams/", headers=bearer())).json()
    owned = Counter(project["team"]["slug"] for project in projects)

    assert 75 <= len(projects) <= 95
    assert {team["slug"]: team["relationships"]["projects"]["count"] for team in teams} == owned
    assert len(owned) == 8


@pytest.mark.parametrize(
    ("filters", "allowed"),
    [
        (["programming_language:eq:Python"], {"programming_language": {"Python"}}),
        (["lifecycle:ne:active"], {"lifecycle": {"experimental", "maintenance", "deprecated"}}),
        (["criticality:in:tier-3, tier-4"], {"criticality": {"tier-3", "tier-4"}}),
        (["engine:not_in:PostgreSQL,Redis"], {"engine": {"ClickHouse", "MySQL", "OpenSearch"}}),
        (["framework:exists", "programming_language:eq:Go"], {"programming_language": {"Go"}, "framework": {"Gin"}}),
        (["on_call:not_exists"], {"on_call": {None}}),
        (["has_health_check:eq:false"], {"has_health_check": {False}}),
    ],
)
async def test_filters_select_by_attribute_and_are_joined_by_and(
    api: httpx2.AsyncClient, filters: list[str], allowed: dict[str, set[object]]
) -> None:
    found = (await api.get(PROJECTS, params={"filter": filters}, headers=bearer())).json()
    everything = (await api.get(PROJECTS, headers=bearer())).json()
    expected = [
        project["id"]
        for project in everything
        if all(project.get(field) in values for field, values in allowed.items())
    ]

    assert expected
    assert [project["id"] for project in found] == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("colour:eq:red", "programming_language"),
        ("framework:like:Re", "not_in"),
        ("framework:eq", "framework:eq:value"),
    ],
)
async def test_a_wrong_filter_is_answered_with_what_would_be_right(
    api: httpx2.AsyncClient, text: str, hint: str
) -> None:
    response = await api.get(PROJECTS, params={"filter": text}, headers=bearer())

    assert response.status_code == 422
    assert hint in response.json()["detail"]


async def test_slim_is_a_fraction_of_the_size(api: httpx2.AsyncClient) -> None:
    slim = await api.get(PROJECTS, params={"slim": "true"}, headers=bearer())
    full = await api.get(PROJECTS, headers=bearer())

    assert len(slim.content) * 4 < len(full.content)
    assert len(slim.text) < 120_000
    assert not {"links", "relationships", "criticality"} & slim.json()[0].keys()
    assert {"links", "relationships", "criticality"} <= full.json()[0].keys()


async def test_project_types_show_their_filterable_attributes_on_request(api: httpx2.AsyncClient) -> None:
    path = f"{ORGANIZATION}/project-types/"
    plain = (await api.get(path, headers=bearer())).json()
    described = (await api.get(path, params={"include_schema": "true"}, headers=bearer())).json()
    schemas = {each["slug"]: {field["field"]: field for field in each["schema"]} for each in described}

    assert all("schema" not in project_type for project_type in plain)
    assert "Python" in schemas["http-api"]["programming_language"]["enum"]
    assert "engine" in schemas["database"]
    assert "engine" not in schemas["http-api"]


async def test_a_renamed_project_shows_everywhere(api: httpx2.AsyncClient) -> None:
    project = await project_named(api, "Payment Gateway")
    rename = [{"op": "replace", "path": "/name", "value": "Payment Hub"}]
    patched = await api.patch(PROJECTS + project["id"], json=rename, headers=bearer())
    found = (await api.get(f"{ORGANIZATION}/search", params={"q": "payment hub"}, headers=bearer())).json()

    assert patched.status_code == 200
    assert patched.json()["lifecycle_results"] == []
    assert (await project_named(api, "Payment Hub"))["id"] == project["id"]
    assert found[0]["project_id"] == project["id"]
    assert found[0]["distance"] == 0


async def test_a_patch_changes_attributes_links_and_owner(api: httpx2.AsyncClient) -> None:
    project = await project_named(api, "Tax Service")
    operations = [
        {"op": "test", "path": "/team_slug", "value": "checkout"},
        {"op": "replace", "path": "/team_slug", "value": "platform"},
        {"op": "add", "path": "/links/runbook", "value": "https://docs.example.com/tax"},
        {"op": "replace", "path": "/lifecycle", "value": "deprecated"},
        {"op": "remove", "path": "/framework"},
    ]
    await api.patch(PROJECTS + project["id"], json=operations, headers=bearer())
    changed = (await api.get(PROJECTS + project["id"], headers=bearer())).json()

    assert changed["team"]["slug"] == "platform"
    assert changed["links"]["runbook"] == "https://docs.example.com/tax"
    assert changed["lifecycle"] == "deprecated"
    assert "framework" not in changed
    assert changed["score"] != project["score"]


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"op": "replace", "path": "/id", "value": "x"}, 400),
        ({"op": "replace", "path": "/nothing", "value": "x"}, 400),
        ({"op": "replace", "path": "/name"}, 400),
        ({"op": "replace", "path": "name", "value": "x"}, 400),
        ({"op": "replace", "path": "/name", "value": ""}, 400),
        ({"op": "replace", "path": "/slug", "value": "order-api"}, 409),
        ({"op": "test", "path": "/name", "value": "Something Else"}, 422),
        ({"op": "replace", "path": "/team_slug", "value": "no-such-team"}, 422),
        ({"op": "replace", "path": "/lifecycle", "value": "asleep"}, 422),
        ({"op": "add", "path": "/favourite_colour", "value": "red"}, 422),
        ({"op": "replace", "path": "/test_coverage", "value": 101}, 422),
        ({"op": "melt", "path": "/name"}, 422),
    ],
)
async def test_a_wrong_patch_changes_nothing(api: httpx2.AsyncClient, operation: dict[str, Any], status: int) -> None:
    project = await project_named(api, "Tax Service")
    response = await api.patch(PROJECTS + project["id"], json=[operation], headers=bearer())

    assert response.status_code == status
    assert response.json()["detail"]
    assert await project_named(api, "Tax Service") == project


async def test_a_created_project_can_be_read_archived_and_found_again(api: httpx2.AsyncClient) -> None:
    body = {
        "name": "Gift Cards",
        "slug": "gift-cards",
        "team_slug": "checkout",
        "project_type_slugs": ["http-api"],
        "environments": {"testing": {"url": "https://gift-cards.testing.example.com"}},
        "programming_language": "Go",
    }
    created = await api.post(PROJECTS, json=body, headers=bearer())
    path = PROJECTS + created.json()["id"]
    again = await api.post(PROJECTS, json=body, headers=bearer())
    await api.post(f"{path}/archive", headers=bearer())
    listed = (await api.get(PROJECTS, params={"slim": "true"}, headers=bearer())).json()
    read = (await api.get(path, headers=bearer())).json()

    assert created.status_code == 201
    assert again.status_code == 409
    assert "Gift Cards" not in {project["name"] for project in listed}
    assert read["archived"]
    assert read["programming_language"] == "Go"
    assert read["environments"][0]["url"] == "https://gift-cards.testing.example.com"


@pytest.mark.parametrize("kind", ["teams", "project-types", "environments"])
async def test_what_is_created_is_read_renamed_and_never_doubled(api: httpx2.AsyncClient, kind: str) -> None:
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


async def test_what_is_in_use_is_not_deleted(api: httpx2.AsyncClient) -> None:
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
async def test_what_there_is_not_is_answered_with_404(api: httpx2.AsyncClient, path: str) -> None:
    response = await api.get(path, headers=bearer())

    assert response.status_code == 404
    assert isinstance(response.json()["detail"], str)


async def test_dependencies_show_at_both_ends(api: httpx2.AsyncClient) -> None:
    storefront, tax = await project_named(api, "Storefront"), await project_named(api, "Tax Service")
    edge = f"{PROJECTS}{storefront['id']}/relationships/{tax['id']}"

    async def ends(project: dict[str, Any], direction: str) -> set[str]:
        body = (await api.get(f"{PROJECTS}{project['id']}/relationships", headers=bearer())).json()
        return {each["project"]["name"] for each in body["relationships"] if each["direction"] == direction}

    assert (await api.post(edge, headers=bearer())).status_code == 204
    assert "Tax Service" in await ends(storefront, "outbound")
    assert "Storefront" in await ends(tax, "inbound")
    assert (await api.delete(edge, headers=bearer())).status_code == 204
    assert (await api.delete(edge, headers=bearer())).status_code == 404
    assert "Tax Service" not in await ends(storefront, "outbound")


async def test_a_new_release_is_current_once_its_deployment_succeeded(api: httpx2.AsyncClient) -> None:
    path = f"{PROJECTS}{(await project_named(api, 'Tax Service'))['id']}/releases/"
    body = {"tag": "99.0.0", "committish": "0123abc", "title": "Tax Service 99.0.0"}
    release = (await api.post(path, json=body, headers=bearer())).json()
    events = f"{path}{release['id']}/environments/production"

    async def production() -> dict[str, Any]:
        environments = (await api.get(f"{path}current", headers=bearer())).json()
        found: dict[str, Any] = next(each for each in environments if each["environment"]["slug"] == "production")
        return found

    await api.post(events, json={"status": "in_progress"}, headers=bearer())
    during = await production()
    await api.post(events, json={"status": "success"}, headers=bearer())
    after = await production()

    assert during["release"]["tag"] != "99.0.0"
    assert during["latest_deployment"]["status"] == "in_progress"
    assert after["release"]["tag"] == "99.0.0"
    assert after["latest_deployment"] is None
    assert after["performed_by"] == DEVELOPER_EMAIL
    assert (await api.post(path, json=body, headers=bearer())).status_code == 409
    assert (await api.post(path, json={**body, "committish": "main"}, headers=bearer())).status_code == 422


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
async def test_what_is_no_proper_body_is_answered_with_422(api: httpx2.AsyncClient, body: str) -> None:
    headers = {**bearer(), "Content-Type": "application/json"}
    response = await api.post(f"{ORGANIZATION}/project-types/", content=body, headers=headers)

    assert response.status_code == 422
    assert response.json()["detail"][0].keys() == {"loc", "msg", "type"}


async def test_signing_in_gives_tokens_that_signing_out_revokes(api: httpx2.AsyncClient) -> None:
    wrong = await api.post("/api/auth/login", json={"email": VIEWER_EMAIL, "password": "guess"})
    pair = (await api.post("/api/auth/login", json={"email": VIEWER_EMAIL, "password": "fernwood"})).json()
    form = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    renewed = await api.post("/api/auth/token", data=form)
    headers = {"Authorization": f"Bearer {pair['access_token']}"}

    assert wrong.status_code == 401
    assert renewed.status_code == 200
    assert (await api.post("/api/auth/token", data=form)).status_code == 401
    assert (await api.get("/api/mfa/status", headers=headers)).json()["enabled"] is False
    assert (await api.post("/api/auth/logout", headers=headers)).status_code == 204
    assert (await api.get("/api/mfa/status", headers=headers)).status_code == 401


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
