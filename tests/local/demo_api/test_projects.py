"""The projects of the demo Imbi API: filters, patches, creation, dependencies."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from local.company.principals import DEVELOPER_EMAIL
from tests.support.demo_company import ORGANIZATION, PROJECTS, bearer, project_named

if TYPE_CHECKING:
    import httpx2


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
