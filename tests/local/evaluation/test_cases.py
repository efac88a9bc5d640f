"""Files of cases: what is read, and what is refused with a line that says where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.eval.cases import parse_cases, read_cases
from local.eval.command import DEMO
from shared.domain.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

CASE = '[[case]]\nname = "Teams"\nquestion = "Which teams?"\nfacts = ["Identity", ["8", "eight"]]\n'


def refused(text: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        parse_cases(text, "c.toml")
    return error.value.problems


@pytest.mark.proves("eval.cases")
def test_a_case_has_a_question_or_turns_and_the_limits_of_its_file() -> None:
    file = parse_cases(
        f'[defaults]\nmax_seconds = 9\nmax_cost = 1\n[prices."m"]\ninput = 1\noutput = 2\n{CASE}max_cost = 0.5\n'
        '[[case]]\nname = "Two"\n[[case.turn]]\nquestion = "One?"\n[[case.turn]]\nquestion = "Two?"\ntools = ["a"]\n',
        "c.toml",
    )
    one, two = file.case
    assert [turn.question for turn in one.turns] == ["Which teams?"]
    assert [turn.question for turn in two.turns] == ["One?", "Two?"]
    assert (file.limits_of(one).max_seconds, file.limits_of(one).max_cost) == (9, 0.5)
    assert (file.limits_of(two).max_seconds, file.limits_of(two).max_cost) == (9, 1)
    assert file.prices["m"].output == 2


@pytest.mark.proves("eval.cases")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "c.toml: there is no [[case]]."),
        ("[[case]\n", "c.toml: is no TOML:"),
        ('[[case]]\nname = "x"\n', "c.toml: case 'x': needs either a question or [[case.turn]]."),
        (CASE + CASE, "c.toml: there are several cases named 'Teams'."),
        (CASE + "fact = []\n", "c.toml: case 1, fact: Extra inputs are not permitted."),
        (CASE + 'tools = [""]\n', "c.toml: case 1, tools 1:"),
        (CASE + 'links = ["re:("]\n', "is no regular expression:"),
        (CASE + "max_cost = 0\n", "c.toml: case 1, max_cost: Input should be greater than 0."),
        (CASE + '[[case.turn]]\nquestion = "y"\n', "c.toml: case 'Teams': needs either a question or [[case.turn]]."),
        (
            '[[case]]\nname = "x"\nfacts = ["y"]\n[[case.turn]]\nquestion = "z"\n',
            "c.toml: case 'x': its expectations belong to its turns.",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_one_line_for_each_problem(text: str, problem: str) -> None:
    lines = refused(text)
    assert any(problem in line for line in lines), lines
    assert not any("\n" in line for line in lines)


@pytest.mark.proves("eval.cases")
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"\xff")
    for name in ("none.toml", "latin.toml"):
        with pytest.raises(SettingsError, match=r"cannot be read"):
            read_cases(tmp_path / name)


@pytest.mark.proves("eval.demo")
def test_the_demo_has_40_cases_and_each_expects_something() -> None:
    cases = read_cases(DEMO).case
    assert len(cases) == 40
    assert all(any(turn.expects_anything for turn in case.turns) for case in cases)
