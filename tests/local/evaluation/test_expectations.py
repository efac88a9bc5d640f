"""The comparison of answers with what their cases expect."""

from __future__ import annotations

from typing import Any

import pytest

from local.chat.events import Usage
from local.eval.answers import GivenAnswer
from local.eval.cases import Limits, Price, Turn, parse_cases
from local.eval.expectations import problems
from local.eval.prices import cost, known_price
from local.eval.results import judged

ANSWER = GivenAnswer(
    text="There are **8** teams, of which [Identity](https://imbi/teams/identity) owns `billing_api`.\nSee https://x/y",
    tools=["list_teams", "get_team"],
)


def found(**expected: Any) -> list[str]:
    return problems(Turn(question="?", **expected), ANSWER)


@pytest.mark.proves("eval.expectations")
@pytest.mark.parametrize(
    "expected",
    [
        {"facts": ["8 teams", "IDENTITY owns billing_api", "re:^there are \\S+ teams", ["nine", "eight", "8"]]},
        {"not_facts": ["9", "team", "re:\\bowned\\b"]},
        {"tools": ["list_teams", "get_*", ["none", "re:^list_"]], "not_tools": ["delete_*", "team"]},
        {"links": ["/teams/identity", "x/y", "re:identity$", ["/none", "/teams"]]},
    ],
    ids=",".join,
)
def test_what_an_answer_has_is_found(expected: dict[str, Any]) -> None:
    assert found(**expected) == []


@pytest.mark.proves("eval.expectations")
@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        ({"facts": ["80"]}, "The answer lacks “80”."),
        ({"facts": [["9", "nine"]]}, "The answer lacks “9” or “nine”."),
        ({"not_facts": ["identity"]}, "The answer has “identity”."),
        ({"tools": ["list_projects"]}, "It did not call “list_projects”."),
        ({"not_tools": ["get_*"]}, "It called get_*."),
        ({"links": ["/projects/"]}, "There is no link to “/projects/”."),
        ({"asks": ["delete_team"]}, "It did not ask before “delete_team”."),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_an_answer_lacks_is_told(expected: dict[str, Any], problem: str) -> None:
    assert found(**expected) == [problem]


@pytest.mark.proves("eval.read-only")
def test_a_change_is_a_failure_unless_it_is_expected_to_ask() -> None:
    answer = GivenAnswer(text="I delete it.", tools=["delete_team"], asked=["delete_team"])
    expected = Turn(question="?", asks=("delete_*",))
    assert problems(expected, answer) == []
    [problem] = problems(Turn(question="?", facts=("delete",)), answer)
    assert problem == "It wanted to change something: delete_team. The call was not run."


@pytest.mark.proves("eval.expectations")
def test_an_answer_that_failed_is_not_compared() -> None:
    answer = GivenAnswer(text="8", failure="The answer failed: Overloaded.")
    assert problems(Turn(question="?", facts=("8", "9")), answer) == ["The answer failed: Overloaded."]


@pytest.mark.proves("eval.limits")
@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("claude-sonnet-5-5", 2),
        ("claude-sonnet-5", 2),
        ("claude-sonnet-4-5-20250929", 3),
        ("eu.anthropic.claude-opus-4-5-20251101-v1:0", 5),
        ("claude-sonnet-5-7", None),
        ("claude-sonnet-5-55", None),
        ("another", None),
    ],
)
def test_the_prices_of_known_models_are_known(model: str, price: float | None) -> None:
    known = known_price(model)
    assert (known and known.input) == price


@pytest.mark.proves("eval.limits")
def test_cost_and_time_have_limits() -> None:
    usage = Usage(
        input_tokens=1_000_000,
        output_tokens=100_000,
        cache_read_input_tokens=1_000_000,
        cache_creation_input_tokens=1_000_000,
    )
    assert cost([usage], Price(input=2, output=10)) == pytest.approx(2 + 1 + 0.2 + 2.5)
    assert cost([usage], Price(input=2, output=10, cache_read=0, cache_write=1)) == pytest.approx(2 + 1 + 1)
    assert cost([usage], None) is None
    text = '[[case]]\nname = "x"\nquestion = "?"\nfacts = ["y"]\nmax_seconds = 2\nmax_cost = 1\n'
    file = parse_cases(text, "c.toml")
    slow = GivenAnswer(text="y", usage=usage, seconds=1.5)
    result = judged(file, file.case[0], "claude-sonnet-4-6", [slow, slow], [])
    assert result.problems == ("It took 3.0 s; the limit is 2 s.", "It cost $17.1000; the limit is $1.")
    unknown = judged(file, file.case[0], "another", [slow], [])
    assert unknown.problems == ('The price of another is not known. Add [prices."another"] to the file.',)
    assert file.limits_of(file.case[0]) == Limits(max_seconds=2, max_cost=1)
