"""The terminal chat in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from tests.support.chat_programs import PROMPT, at_terminal, piped
from tests.support.local_assistant import HANGS, SCRIPTS, running_assistant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.local_assistant import Assistant


@pytest.fixture(scope="module")
def service() -> Iterator[Assistant]:
    with running_assistant() as assistant:
        yield assistant


def test_ctrl_c_stops_the_answer_and_not_the_program(service: Assistant, tmp_path: Path) -> None:
    with at_terminal(service, tmp_path / "history") as program:
        program.wait_for(PROMPT)
        program.type(f"{HANGS}\n")
        assert service.is_hanging.wait(30)
        program.wait_for("goes on")
        program.type("\x03")
        program.wait_for("Stopped.")
        program.wait_for(PROMPT)
        assert service.was_left.wait(30)
        assert service.was_stopped.wait(30)
        program.type("hello\n")
        program.wait_for("world")
        program.wait_for("tokens in")
        program.wait_for(PROMPT)
        program.type("\x04")
        assert program.wait() == 0
    stored = (tmp_path / "history").read_text().splitlines()
    assert [line for line in stored if line.startswith("+")] == [f"+{HANGS}", "+hello"]


def test_ctrl_c_drops_a_line_and_ends_an_empty_one(service: Assistant, tmp_path: Path) -> None:
    with at_terminal(service, tmp_path / "history") as program:
        program.wait_for(PROMPT)
        program.type("half a question")
        program.wait_for("half a question")
        program.interrupt_until("\x1b[J")
        assert program.interrupt() == 0
    assert "half a question" not in service.asked
    assert "Traceback" not in program.written


@pytest.mark.proves("approvals.terminal")
@pytest.mark.parametrize(("typed", "shown"), [("y", "It is deleted."), ("n", "It is kept.")])
def test_an_approval_is_asked_for_by_y_or_n(service: Assistant, tmp_path: Path, typed: str, shown: str) -> None:
    with at_terminal(service, tmp_path / "history") as program:
        program.wait_for(PROMPT)
        program.type("delete it\n")
        program.wait_for("This step deletes the team.")
        program.wait_for("Approve this?")
        program.type(f"{typed}\n")
        program.wait_for(shown)


@pytest.mark.parametrize(
    "pasted", ["\x1b[200~first line\rsecond line\x1b[201~", "first line\rsecond line"], ids=["bracketed", "typed"]
)
def test_pasted_lines_are_one_question(service: Assistant, tmp_path: Path, pasted: str) -> None:
    with at_terminal(service, tmp_path / "history") as program:
        program.wait_for(PROMPT)
        program.type(pasted)
        program.wait_for("second line")
        program.type("\r")
        program.wait_for("Two lines.")
    assert service.asked[-1] == "first line\nsecond line"


def test_conversations_are_found_renamed_continued_repeated_and_deleted(service: Assistant, tmp_path: Path) -> None:
    identifier = UUID(str(service.create()["id"]))
    service.conversations[identifier]["title"] = "About the rollback"
    with at_terminal(service, tmp_path / "history") as program:
        program.wait_for(PROMPT)
        for typed, shown in (
            ("/search rollback", "a **rollback** in it"),
            ("/open 1", "platform"),
            ("/rename Rolled back", "Title: Rolled back"),
            ("/continue", "And on."),
            ("hello", "world"),
            ("/open 1", "platform"),
            ("/delete", "[y/N]"),
            ("n", PROMPT),
            ("/delete", "[y/N]"),
            ("y", "Deleted."),
        ):
            program.type(f"{typed}\r")
            program.wait_for(shown)
    assert identifier not in service.conversations


def test_an_approval_that_is_open_is_asked_for_when_its_conversation_is_opened(
    service: Assistant, tmp_path: Path
) -> None:
    identifier = UUID(str(service.create()["id"]))
    service.parked.add(identifier)
    with at_terminal(service, tmp_path / "history", conversation=str(identifier)) as program:
        for shown in ('title: "Old" → "New"', "undo that", "platform", "Approve this?"):
            program.wait_for(shown)
        program.type("n\r")
        program.wait_for(PROMPT)
    assert service.asked[-1] == "reject"


def test_a_repeated_question_replaces_the_stored_one(service: Assistant) -> None:
    identifier = str(service.create()["id"])
    SCRIPTS["Who owns it?"] = SCRIPTS["hello"]
    assert piped(service.base_url, "/retry", conversation=identifier).returncode == 0
    assert service.replaced == [UUID(int=1)]


@pytest.mark.parametrize(
    ("typed", "rating"), [("/good", (1, "")), ("/bad The owner is wrong", (-1, "The owner is wrong"))]
)
def test_the_last_answer_is_rated(service: Assistant, typed: str, rating: tuple[int, str]) -> None:
    identifier = str(service.create()["id"])
    assert piped(service.base_url, typed, conversation=identifier).returncode == 0
    assert service.ratings[-1] == (UUID(int=2), *rating)


def test_without_an_open_conversation_nothing_is_rated(service: Assistant) -> None:
    known = len(service.ratings)
    assert piped(service.base_url, "/good").returncode == 1
    assert len(service.ratings) == known


def test_the_history_is_private_and_comes_back(service: Assistant, tmp_path: Path) -> None:
    history = tmp_path / "data" / "history"
    with at_terminal(service, history) as program:
        program.wait_for(PROMPT)
        program.type("/help\r")
        program.wait_for("stop an answer")
        program.wait_for(PROMPT)
        program.type("/quit\r")
        assert program.wait() == 0
    assert history.stat().st_mode & 0o777 == 0o600
    with at_terminal(service, history) as program:
        program.wait_for(PROMPT)
        program.type("\x1b[A\x1b[A\r")
        program.wait_for("stop an answer")
