"""The demo model changes data with the demo API's tools, and tells the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.demo_assistant import Assistant

pytestmark = pytest.mark.parametrize("offering", ["few"], indirect=True)


async def test_a_project_type_is_created_and_its_page_opened(admin: Assistant) -> None:
    answer = await admin.ask('Create a project type named "Batch Job" and go to its page')
    assert admin.names()[-3:] == ["create_project_type", "refresh_data", "navigate_to"]
    assert admin.calls[-2][1]["resource"] == "project_types"
    assert admin.calls[-1][1] == {"path": "/admin/project-types/batch-job"}
    assert "[Batch Job](/admin/project-types/batch-job)" in answer
    assert "Batch Job" in await admin.ask("list the project types")


async def test_a_project_is_created_with_its_team_and_type(admin: Assistant) -> None:
    await admin.ask('Create a project named "Gift Cards" for the checkout team of type library')
    created = dict(admin.calls)["create_project"]
    assert created["team_slug"] == "checkout"
    assert created["project_type_slugs"] == ["library"]
    assert "Checkout & Payments" in await admin.ask("Who owns Gift Cards?")


async def test_a_missing_name_for_a_creation_is_asked_for(admin: Assistant) -> None:
    assert "tell me the name" in await admin.ask("Create a project type")
    assert "tell me the name" in await admin.ask("Create a project")
    assert admin.calls == []


async def test_a_project_is_renamed(admin: Assistant) -> None:
    answer = await admin.ask("Rename the Deploy CLI to Deployment CLI")
    assert dict(admin.calls)["patch_project"]["operations"] == [
        {"op": "replace", "path": "/name", "value": "Deployment CLI"}
    ]
    assert "Its slug is still `deploy-cli`" in answer
    assert "Deployment CLI" in await admin.ask("Describe deploy-cli")


async def test_a_field_is_changed_from_what_it_was(admin: Assistant) -> None:
    answer = await admin.ask('Set the description of the team identity to "Who is who."')
    assert "to “Who is who.”" in answer
    assert dict(admin.calls)["patch_team"]["slug"] == "identity"
    assert "from “active” to “deprecated”" in await admin.ask("Set the lifecycle of the Cart API to deprecated")
    assert dict(admin.calls)["patch_project"]["operations"][0]["op"] == "replace"
    assert "from “Checkout & Payments” to “Identity”" in await admin.ask("Change the team of Cart API to identity")


async def test_a_project_is_archived_and_a_member_added_and_both_taken_back(admin: Assistant) -> None:
    assert "is archived" in await admin.ask("Archive the project Order Archiver")
    assert "**1** project whose status is **archived**" in await admin.ask("Which projects are archived?")
    assert "is unarchived" in await admin.ask("Unarchive the project Order Archiver")
    assert "I added" in await admin.ask("Add developer@example.com to the platform team")
    assert dict(admin.calls)["add_team_member"]["email"] == "developer@example.com"
    assert "I removed" in await admin.ask("Remove developer@example.com from the platform team")
    assert "Devin" not in await admin.ask("Who is on the platform team?")


async def test_a_project_is_deleted(admin: Assistant) -> None:
    assert "is deleted" in await admin.ask("Delete the project Cost Reporter")
    assert "delete_project" in admin.names()
    assert "I find no project named “Cost Reporter”" in await admin.ask("Describe Cost Reporter")


async def test_a_project_type_is_deleted_with_its_kind_behind_its_name(admin: Assistant) -> None:
    await admin.ask('Create a project type named "Batch Job"')
    assert "The project type **Batch Job** is deleted" in await admin.ask("Delete the Batch Job project type")


async def test_nothing_is_undone_where_nothing_was_changed(admin: Assistant) -> None:
    assert "nothing in this conversation that could be undone" in await admin.ask("Undo that")


async def test_a_refusal_is_told_in_plain_words(viewer: Assistant) -> None:
    answer = await viewer.ask('Create a team named "Night Watch"')
    assert "you are not allowed to do that" in answer
    assert "team:create" in answer
    assert "**22** permissions" in await viewer.ask("What may I do?")
