"""The demo model finds the projects that fulfil the conditions of a question."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from local import company

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.demo_assistant import Assistant


def _is_in(field: str, *values: str) -> Callable[[dict[str, str]], bool]:
    return lambda row: row[field] in values


COUNTED = [
    ("How many projects are written in Python or Go?", _is_in("language", "Python", "Go")),
    ("How many projects are not written in Python?", lambda row: row["language"] != "Python"),
    ("How many projects are tier-1 and not databases?", lambda r: r["tier"] == "tier-1" and r["type"] != "database"),
    (
        "How many Kotlin projects does the checkout team own?",
        lambda r: (r["language"], r["team"]) == ("Kotlin", "checkout"),
    ),
    ("How many Java projects are not tier-1?", lambda r: r["language"] == "Java" and r["tier"] != "tier-1"),
    (
        "How many projects of the identity team use FastAPI?",
        lambda r: (r["team"], r["framework"]) == ("identity", "FastAPI"),
    ),
]
"""Questions, and the condition on the rows of the company's projects whose number is the answer."""


@pytest.mark.parametrize(("question", "is_meant"), COUNTED, ids=[question for question, _ in COUNTED])
@pytest.mark.parametrize("offering", ["all"], indirect=True)
async def test_the_number_of_projects_is_that_of_the_data(
    reader: Assistant, question: str, is_meant: Callable[[dict[str, str]], bool]
) -> None:
    with (files(company) / "projects.csv").open(encoding="utf-8") as lines:
        number = sum(map(is_meant, csv.DictReader(lines)))
    assert number > 0
    assert f"**{number}** project" in await reader.ask(question)


@pytest.mark.parametrize("offering", ["all"], indirect=True)
async def test_the_projects_with_and_without_a_health_check_are_all_projects(reader: Assistant) -> None:
    answers = [await reader.ask(f"How many projects have {some} health check?") for some in ("a", "no")]
    assert sum(int(answer.split("**")[1]) for answer in answers) == 87
    assert await reader.ask("How many projects don't have a health check?") == answers[1]
