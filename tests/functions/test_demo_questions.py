"""The questions that the README and the chat page suggest, asked with all demo parts."""

from __future__ import annotations

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
    with served(create_demo_model()) as model:
        yield start_service(ANTHROPIC_BASE_URL=model)


@pytest.mark.proves("demo.questions")
def test_the_readme_suggests_questions() -> None:
    assert len(IN_README) == 3
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
