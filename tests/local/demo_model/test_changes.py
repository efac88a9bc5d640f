"""The demo model changes data with the demo API's tools, and asks first where it must."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.demo_assistant import Assistant


async def test_a_project_type_is_created_and_its_page_opened(admin: Assistant) -> None:
    answer = await admin.ask('Create a project type named "Batch Job" and go to its page')
    assert admin.names()[-3:] == ["create_project_type", "refresh_data", "navigate_to"]
    assert admin.calls[-2][1]["resource"] == "project_types"
    assert admin.calls[-1][1] == {"path": "/admin/project-types/batch-job"}
    assert "[Batch Job](/admin/project-types/batch-job)" in answer
    assert "Batch Job" in await admin.ask("list the project types")


async def test_a_project_is_created_with_what_it_needs(admin: Assistant) -> None:
    await admin.ask('Create a project named "Gift Cards" for the checkout team of type http-api')
    created = dict(admin.calls)["create_project"]
    assert created["team_slug"] == "checkout"
    assert created["project_type_slugs"] == ["http-api"]
    assert "Checkout & Payments" in await admin.ask("Who owns Gift Cards?")


async def test_a_missing_field_for_a_creation_is_asked_for(admin: Assistant) -> None:
    answer = await admin.ask("Create a project type")
    assert "name" in answer
    assert "create_project_type" not in admin.names()


async def test_a_project_is_renamed(admin: Assistant) -> None:
    answer = await admin.ask("Rename the Deploy CLI to Deployment CLI")
    assert dict(admin.calls)["patch_project"]["operations"] == [
        {"op": "replace", "path": "/name", "value": "Deployment CLI"}
    ]
    assert "Its slug is still `deploy-cli`" in answer
    assert "Deployment CLI" in await admin.ask("Describe deploy-cli")


async def test_nothing_is_deleted_before_the_user_agrees(admin: Assistant) -> None:
    question = await admin.ask("Delete the project Cost Reporter")
    assert "Cost Reporter" in question
    assert "delete_project" not in admin.names()
    assert "is deleted" in await admin.ask("yes")
    assert "delete_project" in admin.names()


async def test_a_refusal_is_told_in_plain_words(viewer: Assistant) -> None:
    answer = await viewer.ask('Create a team named "Night Watch"')
    assert "you are not allowed to do that" in answer
    assert "team:create" in answer
    assert "**22** permissions" in await viewer.ask("What may I do?")
