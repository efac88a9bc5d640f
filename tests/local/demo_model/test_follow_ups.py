"""The demo model understands a short question by the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.demo_model.grammar import normalized
from local.demo_model.questions import understood

if TYPE_CHECKING:
    from tests.support.demo_assistant import Assistant


async def test_a_follow_up_question_refers_to_the_question_before(reader: Assistant) -> None:
    await reader.ask("Who owns the Payment Gateway?")
    answer = await reader.ask("and its dependencies?")
    assert "Payment Gateway" in answer
    assert "[Payment Database](" in answer
    assert "Elena Marchetti" in await reader.ask("Who are the members of that team?")


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        ("Who is on call for checkout?", "and for identity?", "of the team **[Identity]"),
        ("What happened in production lately?", "And in staging?", "operations in **[Staging]"),
        ("What does the Checkout API depend on?", "What about the Cart API?", "**3** dependencies of **[Cart API]"),
        ("Which projects are written in Python?", "How many of those are in staging?", "There are **22** projects"),
        ("Which projects are written in Python?", "What about Go?", "**12** projects whose programming language"),
        (
            "Which projects are written in Go?",
            "and in staging?",
            "language is **Go**, whose environment is **Staging**",
        ),
        ("List the Kotlin projects", "and Java?", "**4** projects whose programming language is **Java**"),
    ],
)
@pytest.mark.parametrize("offering", ["all"], indirect=True)
async def test_a_short_question_changes_the_one_before(
    reader: Assistant, before: str, question: str, expected: str
) -> None:
    await reader.ask(before)
    assert expected in await reader.ask(question)


@pytest.mark.parametrize(
    ("before", "question"),
    [
        ("Which teams are there?", "and in staging?"),
        ("Which teams are there?", "What about Go?"),
        ("Who owns the Cart API?", "How many of those are written in Go?"),
        ("Delete the project Cost Reporter", "and the Cart API?"),
    ],
)
def test_a_short_question_that_does_not_fit_the_one_before_is_not_understood(before: str, question: str) -> None:
    assert understood(normalized(question), [before]) is None


async def test_a_pronoun_without_anything_before_is_asked_back(reader: Assistant) -> None:
    assert "I do not know which project you mean" in await reader.ask("Who owns it?")


async def test_this_project_is_the_one_that_the_page_shows(reader: Assistant) -> None:
    context = '<context>{"project": {"slug": "price-api"}}</context>\n<search_context>Cart API</search_context>\n'
    answer = await reader.ask(f"{context}What does this project depend on?")
    assert "[Price Database](" in answer
