"""The terminal chat."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from local.chat.event_display import show
from local.chat.events import AnswerDone, TextAdded, parse
from local.chat.markdown_blocks import split_finished
from local.chat.relative_time import relative_time
from local.chat.sse import Frame, FrameReader
from local.chat.terminal import TerminalScreen
from tests.support.local_assistant import ENDS_EARLY, HANGS, REFUSED, SCRIPTS, TOKEN, running_assistant
from tests.support.terminal import Program, on_terminal, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.local_assistant import Assistant

# A terminal's program reads Ctrl-C as a signal only where the terminal is its session's own.
_PROGRAM = """
import os, sys
from pathlib import Path
from local.chat import chat
if os.isatty(0):
    os.close(os.open(os.ttyname(0), os.O_RDWR))
url, token, conversation, history = sys.argv[1:]
sys.exit(chat(base_url=url, token=token, conversation_id=conversation or None, history_file=Path(history)))
"""


@pytest.fixture(scope="module")
def service() -> Iterator[Assistant]:
    with running_assistant() as assistant:
        yield assistant


def command(url: str, *, token: str = TOKEN, conversation: str = "", history: str = "") -> list[str]:
    return [sys.executable, "-c", _PROGRAM, url, token, conversation, history]


def piped(url: str, questions: str, *, token: str = TOKEN, conversation: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # the tests' own command
        command(url, token=token, conversation=conversation),
        input=questions,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )


def at_terminal(service: Assistant, history: Path, conversation: str = "") -> AbstractContextManager[Program]:
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    return on_terminal(command(service.base_url, conversation=conversation, history=str(history)), environment)


# Events


def test_frames_are_the_same_however_their_bytes_are_cut() -> None:
    stream = "".join(SCRIPTS["hello"] + SCRIPTS["tools"]).encode()
    whole = FrameReader().feed(stream)
    for size in range(1, 12):
        reader = FrameReader()
        pieces = (stream[at : at + size] for at in range(0, len(stream), size))
        assert [found for piece in pieces for found in reader.feed(piece)] == whole
    assert whole[1] == Frame("text", '{"text": "world** 🌍"}')


def test_frames_leave_out_comments_and_join_lines_of_data() -> None:
    stream = (
        b": ping\n\nid: 7\nevent: text\r\ndata: one\ndata:two\n\ndata: bare\n\nevent: nothing\n\ndata: unfinished\n"
    )
    assert FrameReader().feed(stream) == [Frame("text", "one\ntwo"), Frame("message", "bare")]


def test_unknown_events_and_unknown_fields_are_left_out() -> None:
    assert parse(Frame("something_new", "not even JSON")) is None
    assert parse(Frame("text", '{"text": "a", "more": 1}')) == TextAdded(text="a")
    assert isinstance(parse(Frame("done", '{"message_id": "m"}')), AnswerDone)


# Markdown


@pytest.mark.parametrize(
    ("source", "finished"),
    [
        ("one\n", ""),
        ("one\n\ntwo", ""),
        ("one\n\ntwo\n", "one\n\n"),
        ("one\n#1 of the list", ""),
        ("one\n# Two\n", "one\n"),
        ("- a\n\n- b\n", ""),
        ("```\ncode\n\nmore\n", ""),
        ("```\ncode\n```\nafter\n", "```\ncode\n```\n"),
        ("a | b\n", ""),
        ("one\n\n| a |\n|---|\n| b |\n", "one\n\n"),
        ("\n\n", ""),
    ],
)
def test_only_blocks_that_cannot_change_are_finished(source: str, finished: str) -> None:
    assert split_finished(source) == (finished, source.removeprefix(finished))


def test_a_long_streamed_answer_stands_once_on_a_small_screen() -> None:
    height, source = 10, "".join(f"Paragraph {number} of a long answer.\n\n" for number in range(30))
    source += (
        "".join(f"{number}. item\n" for number in range(1, 31)) + "\n```python\n" + "print(1)\n" * 30 + "```\nThe end."
    )
    output = io.StringIO()
    screen = TerminalScreen(Console(file=output, force_terminal=True, width=60, height=height, highlight=False))
    with screen.answering():
        for at in range(0, len(source), 3):
            screen.text(source[at : at + 3])
            screen.tick()
    lines = shown(output.getvalue(), height)
    for number in range(30):
        assert sum(line.strip() == f"Paragraph {number} of a long answer." for line in lines) == 1
    assert [line.strip() for line in lines if "item" in line] == [f"{number} item" for number in range(1, 31)]
    assert sum("print(1)" in line for line in lines) == 30
    assert sum("The end." in line for line in lines) == 1


def test_a_terminal_shows_tools_in_order_and_keeps_no_spinner() -> None:
    output = io.StringIO()
    screen = TerminalScreen(Console(file=output, force_terminal=True, width=60, height=24, highlight=False))
    with screen.answering():
        for found in FrameReader().feed("".join(SCRIPTS["tools"]).encode()):
            event = parse(found)
            if event is not None:
                show(event, screen)
                screen.tick()
    text = "\n".join(line.strip() for line in shown(output.getvalue(), 24) if line.strip())
    order = ["I look it up.", "✓ list_projects 120 ms\n✗ get_team 7 ms\n→ navigate to /projects/123", "billing-api"]
    order += ["2,134 tokens in (900 from the cache) · 56 out\nTitle: Projects of the platform team"]
    assert [text.find(part) for part in order] == sorted(text.find(part) for part in order)
    assert all(text.count(part) == 1 for part in order)
    assert "⚙" not in text


# Input from a pipe


def test_piped_questions_are_answered_one_after_the_other(service: Assistant) -> None:
    ended = piped(service.base_url, "hello\n\nhello\n")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "Grüße, **world** 🌍\n\nGrüße, **world** 🌍\n"


def test_a_pipe_gets_the_answer_alone_and_the_activity_goes_beside_it(service: Assistant) -> None:
    ended = piped(service.base_url, "tools\n")
    assert ended.returncode == 0
    assert ended.stdout.startswith("I look it up.\n\n| Project | Team |")
    assert ended.stderr.splitlines() == [
        "⚙ list_projects …",
        "⚙ get_team …",
        "✓ list_projects 120 ms",
        "✗ get_team 7 ms",
        "⚙ navigate_to …",
        "→ navigate to /projects/123",
        "2,134 tokens in (900 from the cache) · 56 out",
        "Title: Projects of the platform team",
    ]


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("fail", "The model is overloaded."),
        (ENDS_EARLY, "The connection ended before the answer was complete."),
        (REFUSED, "The conversation is full"),
        ("/nonsense", "/nonsense is not a command. /help lists the commands."),
        ("/open 999", "The list has no conversation 999."),
        ("/open nonsense", "Conversation not found."),
    ],
)
def test_a_failure_is_one_line_and_the_next_question_is_answered(service: Assistant, question: str, line: str) -> None:
    ended = piped(service.base_url, f"{question}\nhello\n")
    assert ended.returncode == 1
    assert line in ended.stderr.splitlines()
    assert ended.stdout.endswith("Grüße, **world** 🌍\n")


def test_control_characters_of_an_answer_do_not_reach_the_terminal(service: Assistant) -> None:
    assert piped(service.base_url, "escape\n").stdout == "a]0;ownedb31mc\n"


def test_an_unreachable_service_is_reported_in_one_line() -> None:
    ended = piped("http://127.0.0.1:1/assistant", "hello\n")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == "No assistant is running at http://127.0.0.1:1/assistant/. Start it with `make run`.\n"


def test_a_refused_token_is_reported_in_one_line(service: Assistant) -> None:
    ended = piped(service.base_url, "hello\n", token="wrong")
    assert ended.returncode == 1
    assert ended.stderr.startswith("The service rejected the access token")
    assert ended.stderr.count("\n") == 1


def test_conversations_are_listed_and_opened(service: Assistant) -> None:
    identifier = str(service.create()["id"])
    by_number = piped(service.base_url, "/list\n/open 1\n")
    assert by_number.returncode == 0, by_number.stderr
    assert by_number.stderr.splitlines()[0].startswith("  1  Conversation ")
    assert "> Who owns it?" in by_number.stderr.splitlines()
    assert by_number.stdout == "The **platform** team.\n"
    assert piped(service.base_url, "", conversation=identifier).stdout == "The **platform** team.\n"


# A terminal


def test_ctrl_c_stops_the_answer_and_not_the_program(service: Assistant, tmp_path: Path) -> None:
    with at_terminal(service, tmp_path / "history") as program:
        program.wait_for("> ")
        program.type(f"{HANGS}\n")
        assert service.is_hanging.wait(30)
        program.wait_for("goes on")
        program.type("\x03")
        program.wait_for("Stopped.")
        program.wait_for("> ")
        assert service.was_left.wait(30)
        assert service.was_stopped.wait(30)
        program.type("hello\n")
        program.wait_for("world")
        program.wait_for("tokens in")
        program.wait_for("> ")
        program.type("\x04")
        assert program.wait() == 0
    assert (tmp_path / "history").read_text().split() == [HANGS, "hello"]


def test_ctrl_c_drops_a_line_and_ends_an_empty_one(service: Assistant, tmp_path: Path) -> None:
    with at_terminal(service, tmp_path / "history") as program:
        program.wait_for("> ")
        program.type("half a question")
        program.wait_for("half a question")
        program.interrupt_until("> ")
        assert program.interrupt() == 0
    assert "half a question" not in service.asked
    assert "Traceback" not in program.written


def test_the_history_is_private_and_comes_back(service: Assistant, tmp_path: Path) -> None:
    history = tmp_path / "data" / "history"
    with at_terminal(service, history) as program:
        program.wait_for("> ")
        program.type("/help\n")
        program.wait_for("stop an answer")
        program.wait_for("> ")
        program.type("/quit\n")
        assert program.wait() == 0
    assert history.stat().st_mode & 0o777 == 0o600
    with at_terminal(service, history) as program:
        program.wait_for("> ")
        program.type("\x1b[A\x1b[A\n")
        program.wait_for("stop an answer")


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-22T11:59:30Z", "just now"),
        ("2026-11-22T11:15:00Z", "45 min ago"),
        ("2026-11-22T09:00:00Z", "3 h ago"),
        ("2026-11-20T11:00:00Z", "2 d ago"),
        ("2026-11-01T11:00:00Z", "2026-11-01"),
    ],
)
def test_an_age_is_shown_in_a_fitting_unit(moment: str, words: str) -> None:
    assert relative_time(datetime.fromisoformat(moment), now=datetime.fromisoformat("2026-11-22T12:00:00Z")) == words
