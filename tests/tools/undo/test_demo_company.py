"""Undos in an API in Imbi's ways, which shows a project's team as an object and takes its slug."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from local.demo_api import create_demo_api
from local.tokens import issue_token
from shared.domain.models import Caller, Principal
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.documents_api import DocumentsApi
from tests.support.service import JWT_SECRET
from tests.support.undo_world import UndoWorld

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ORGANIZATION: dict[str, Any] = {"org_slug": "fernwood"}


@pytest.fixture
def admin() -> Caller:
    email = "admin@example.com"
    return Caller(Principal(email, "Ada", is_admin=True), issue_token(JWT_SECRET, email))


@pytest.fixture
async def company() -> AsyncIterator[UndoWorld]:
    transport = httpx2.ASGITransport(create_demo_api(JWT_SECRET))
    tools = OpenAPIToolset("http://imbi", transport=transport, timeout=20.0)
    await tools.load()
    yield UndoWorld(DocumentsApi(), tools)
    await tools.aclose()


async def project(company: UndoWorld, admin: Caller, name: str = "Account API") -> dict[str, Any]:
    output = await company.tools.call("list_projects", ORGANIZATION, admin)
    found: dict[str, Any] = next(each for each in json.loads(str(output.content)) if each["name"] == name)
    return found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/team_slug", "catalog"),
        ("/name", "Another name"),
        ("/slug", "another-slug"),
        ("/description", None),
        ("/links/wiki", "https://wiki.example.com/"),
    ],
)
async def test_a_field_of_a_project_is_put_back(company: UndoWorld, admin: Caller, path: str, value: Any) -> None:
    before = await project(company, admin)
    steps = [{"op": "add", "path": path, "value": value}]
    place = {**ORGANIZATION, "project_id": before["id"]}
    output = await company.change("patch_project", admin, **place, operations=steps)
    assert output.receipt is not None
    undone = await company.undo(output.receipt, admin)
    assert (undone.is_error, "Not as before" in str(undone.content)) == (False, False)
    assert {**await project(company, admin), "updated_at": ""} == {**before, "updated_at": ""}


async def test_an_action_is_taken_back_by_its_opposite_and_done_again(company: UndoWorld, admin: Caller) -> None:
    before = await project(company, admin)
    archived = await company.change("archive_project", admin, **ORGANIZATION, project_id=before["id"])
    assert archived.receipt is not None
    assert [change["path"] for change in archived.receipt.changes] == ["/archived", "/archived_at"]
    undone = await company.undo(archived.receipt, admin)
    assert (undone.is_error, "Not as before" in str(undone.content)) == (False, False)
    assert (await project(company, admin))["archived_at"] is None
    assert undone.receipt is not None
    assert not (await company.undo(undone.receipt, admin)).is_error
    place = {**ORGANIZATION, "project_id": before["id"]}
    assert json.loads(str((await company.tools.call("get_project", place, admin)).content))["archived_at"]
    assert "already been undone" in str((await company.undo(undone.receipt, admin)).content)


async def test_an_action_that_changes_nothing_has_no_receipt(company: UndoWorld, admin: Caller) -> None:
    place = {**ORGANIZATION, "project_id": (await project(company, admin))["id"]}
    assert (await company.change("unarchive_project", admin, **place)).receipt is None


async def test_a_team_is_found_at_its_new_path(company: UndoWorld, admin: Caller) -> None:
    steps = [{"op": "replace", "path": "/slug", "value": "renamed"}]
    output = await company.change("patch_team", admin, **ORGANIZATION, slug="catalog", operations=steps)
    assert output.receipt is not None
    assert output.receipt.path.endswith("/teams/renamed")
    assert not (await company.undo(output.receipt, admin)).is_error
    assert not (await company.tools.call("get_team", {**ORGANIZATION, "slug": "catalog"}, admin)).is_error


async def test_a_project_that_is_shown_in_another_form_than_it_is_made_of_is_not_made_again(
    company: UndoWorld, admin: Caller
) -> None:
    place = {**ORGANIZATION, "project_id": (await project(company, admin))["id"]}
    output = await company.change("delete_project", admin, **place)
    assert output.receipt is not None
    assert "environments must be an object" in output.receipt.obstacle
    assert (await company.undo(output.receipt, admin)).is_error


@pytest.mark.proves("receipts.refusals")
async def test_a_user_who_has_lost_the_permission_cannot_undo(company: UndoWorld, admin: Caller) -> None:
    before = await project(company, admin)
    steps = [{"op": "replace", "path": "/name", "value": "Another name"}]
    output = await company.change("patch_project", admin, **ORGANIZATION, project_id=before["id"], operations=steps)
    assert output.receipt is not None
    demoted = Caller(Principal(admin.principal.subject, "Ada"), admin.token)
    refused = await company.undo(output.receipt, demoted)
    assert "may not call patch_project" in str(refused.content)
    assert await project(company, admin, "Another name")
