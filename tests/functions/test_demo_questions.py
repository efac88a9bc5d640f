"""The questions that the README and the chat page suggest, asked with all demo parts."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.demo_model import create_demo_model
from local.page.router import SAMPLES
from tests.support.background import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartService
    from tests.support.service import Service

README = Path(__file__).parents[2] / "README.md"
ANSWERS = {
    "Which projects are written in Python?": "Warehouse Loader",
    "Which teams are there?": "Platform Engineering",
    "What happened in production lately?": "Deployed",
    "Who owns the checkout API?": "is owned by the team",
}
"""Words that only the answer from the data has."""
WITHOUT_TOOLS = "What can you do?"
FROM_A_SERVER = "Who is on call for checkout?"
"""The question that an external server answers; `test_external_tools.py` asks it."""
IN_README = re.findall(r"(?:\*|\"content\": \")([A-Z][^*\"]+\?)(?=[*\"])", README.read_text())


@pytest.fixture
def assistant(start_service: StartService) -> Iterator[Service]:
    with served(create_demo_model(words_per_second=math.inf)) as model:
        yield start_service(ANTHROPIC_BASE_URL=model)


@pytest.mark.proves("demo.questions")
def test_the_readme_suggests_questions() -> None:
    assert len(IN_README) == 4
    assert {*SAMPLES, *IN_README} == {*ANSWERS, FROM_A_SERVER, WITHOUT_TOOLS}


@pytest.mark.proves("demo.questions")
@pytest.mark.parametrize("question", ANSWERS)
async def test_a_suggested_question_gets_an_answer_from_the_data(assistant: Service, question: str) -> None:
    async with assistant.client() as client:
        answer = await client.ask(await client.begin(), question)
    results = answer.of("tool_result")
    assert results, answer.text
    assert not any(event.data["is_error"] for event in results)
    assert ANSWERS[question] in answer.text


@pytest.mark.proves("demo.undo")
async def test_a_change_is_shown_and_taken_back(assistant: Service) -> None:
    async with assistant.client() as client:
        conversation = await client.begin()
        changed = await client.ask(conversation, "Rename the Deploy CLI to Deployment CLI")
        undone = await client.ask(conversation, "Undo that")
        again = await client.ask(conversation, "Undo this as well")
        described = await client.ask(conversation, "Describe deploy-cli")
    [result] = [event.data for event in changed.of("tool_result") if event.data["name"] == "patch_project"]
    assert result["changes"] == [{"path": "/name", "before": "Deploy CLI", "after": "Deployment CLI"}]
    assert "Undone: changed" in undone.text
    assert "nothing in this conversation that could be undone" in again.text
    assert "Deployment CLI" not in described.text


@pytest.mark.proves("demo.undo")
async def test_an_archived_project_is_taken_back_and_a_new_member_is_not(assistant: Service) -> None:
    async with assistant.client("admin@example.com") as client:
        conversation = await client.begin()
        archived = await client.ask(conversation, "Archive the project Deploy CLI")
        undone = await client.ask(conversation, "Undo that")
        added = await client.ask(conversation, "Add developer@example.com to the catalog team")
        shown = await client.ask(conversation, "Undo that too")
        await client.ask(conversation, "Remove developer@example.com from the catalog team")
        removed = await client.ask(conversation, "approve")
        refused = await client.ask(conversation, "Undo this as well")
    [result] = [event.data for event in archived.of("tool_result") if event.data["name"] == "archive_project"]
    assert result["receipt"]["can_be_undone"]
    assert "Undone: changed" in undone.text
    assert "I added" in added.text
    assert "It cannot be undone" in shown.text
    assert "I removed" in removed.text
    assert "I cannot take back my last change" in refused.text


@pytest.mark.proves("demo.questions")
async def test_a_question_that_is_not_understood_gets_an_honest_answer_and_no_call(assistant: Service) -> None:
    async with assistant.client() as client:
        answer = await client.ask(await client.begin(), "Which projects are written in Python 3.9?")
    assert answer.text.startswith("I did not understand that.")
    assert not answer.of("tool_use_start")


@pytest.mark.proves("demo.approvals")
@pytest.mark.parametrize(
    ("name", "word", "outcome"),
    [
        ("Gift Cards", "yes", "The project **Gift Cards** is deleted."),
        ("Gift Wrapping", "no", "you did not approve it"),
        ("Gift Finder", "Which teams are there?", "**8** teams"),
    ],
)
async def test_the_outcome_of_a_deletion_is_told_after_the_users_decision(
    assistant: Service, name: str, word: str, outcome: str
) -> None:
    async with assistant.client("admin@example.com") as client:
        conversation = await client.begin()
        await client.ask(conversation, f"Create a project named {name} for the checkout team of type library")
        asked = await client.ask(conversation, f"Delete the project {name}")
        decided = await client.ask(conversation, word)
    assert asked.done["stop_reason"] == "approval_required"
    assert outcome in decided.text


@pytest.mark.proves("demo.recall")
async def test_an_earlier_conversation_is_found_and_quoted(assistant: Service) -> None:
    async with assistant.client("viewer@example.com") as client:
        await client.ask(await client.begin(), "Who owns the Stock Forecaster?")
        told = await client.ask(await client.begin(), "What did we say about forecaster?")
        found = await client.ask(await client.begin(), "Search my conversations for forecaster")
    assert "is owned by the team" in told.text
    assert "Owner of Stock Forecaster" in found.text


@pytest.mark.proves("demo.questions")
@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-sonnet-5", "claude-opus-5"])
async def test_tools_are_found_in_each_way_that_the_models_have(assistant: Service, model: str) -> None:
    async with assistant.client() as client:
        answer = await client.ask(await client.begin(model=model), "List the tags")
    assert "Architecture" in answer.text
    assert any(event.data["name"] == "search_tools" for event in answer.of("tool_result"))
