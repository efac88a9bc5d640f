"""The terminal chat."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import jwt
import pytest
from rich.console import Console

from local.chat import issued
from local.chat.event_display import show
from local.chat.events import AnswerDone, TextAdded, parse
from local.chat.markdown_blocks import split_finished
from local.chat.relative_time import relative_time
from local.chat.sse import Frame, FrameReader
from local.chat.tables import TerminalMarkdown
from local.chat.terminal import TerminalScreen
from local.company.principals import USERS
from local.tokens import load_secret
from shared.domain.errors import StartupError
from tests.support.local_assistant import ENDS_EARLY, HANGS, REFUSED, SCRIPTS, TOKEN, running_assistant
from tests.support.terminal import Program, on_terminal, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.local_assistant import Assistant

PROMPT = "\x1b[?2004h"
"""The program has switched bracketed paste on, so it reads keys now."""

# A terminal's program reads Ctrl-C as a signal only where the terminal is its session's own.
_PROGRAM = """
import os, sys
from pathlib import Path
from local.chat import chat, given
if os.isatty(0):
    os.close(os.open(os.ttyname(0), os.O_RDWR))
url, token, conversation, history = sys.argv[1:]
sys.exit(chat(given(url, token), conversation_id=conversation or None, history_file=Path(history)))
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
    environment = {**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", "COLUMNS": "80", "LINES": "24"}
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


@pytest.mark.parametrize(
    ("columns", "row", "is_table"),
    [
        (["Name", "Team"], ["billing-api", "Platform"], True),
        (["Name", "Team", "Description"], ["billing-api", "Platform", "Sends the bills of the month. " * 3], True),
        (["Name", "Team", "Text"], ["billing-api", "Platform", "Sends the bills of the month. " * 9], False),
        ([f"Column {number}" for number in range(9)], ["a-long-word"] * 9, False),
        (["Name", "URL"], ["x", f"https://example.com/{'a' * 90}"], False),
    ],
)
def test_a_table_that_does_not_fit_becomes_a_list(columns: list[str], row: list[str], *, is_table: bool) -> None:
    output = io.StringIO()
    lines = [columns, ["---"] * len(columns), row]
    source = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    Console(file=output, width=80, highlight=False).print(TerminalMarkdown(source))
    shown = output.getvalue()
    assert ("─" in shown) == is_table
    assert ("•" in shown) != is_table
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "".join(shown.split()).count("".join(row[0].split())) >= 1
    if is_table:
        assert all(word in shown for word in " ".join(row).split())


def test_links_to_pages_of_the_ui_are_shown_as_their_text() -> None:
    output = io.StringIO()
    source = "[one](/projects/1) and [two](https://example.com/2)"
    Console(file=output, width=80, highlight=False).print(TerminalMarkdown(source))
    assert output.getvalue().strip() == "one and two (https://example.com/2)"


# Input from a pipe


def test_the_whole_of_a_pipe_is_one_question(service: Assistant) -> None:
    ended = piped(service.base_url, "first line\nsecond line\n")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "Two lines.\n"


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
    ("question", "lines"),
    [
        ("fail", ["The model is overloaded.", "/continue lets it go on, /retry asks again."]),
        ("refuse", ["The model does not exist."]),
        (
            ENDS_EARLY,
            ["The connection ended before the answer was complete. /resume shows what is stored of it."],
        ),
        (REFUSED, ["The conversation is full"]),
        ("/nonsense", ["/nonsense is not a command. /help lists the commands."]),
        ("/open 999", ["The list has no conversation 999."]),
        ("/open nonsense", ["Conversation not found."]),
        ("/rename", ["/rename needs a title."]),
        ("/continue", ["No conversation is open."]),
    ],
)
def test_a_failure_is_told_in_plain_lines(service: Assistant, question: str, lines: list[str]) -> None:
    ended = piped(service.base_url, f"{question}\n")
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == lines


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
    assert ended.stderr.startswith(f"The service at {service.base_url} rejected the access token.")
    assert ended.stderr.count("\n") == 1


def test_an_expired_token_is_called_expired(service: Assistant) -> None:
    expired = jwt.encode({"sub": "a@example.com", "exp": 1_700_000_000}, "a secret of 32 bytes or even more")
    ended = piped(service.base_url, "hello\n", token=expired)
    assert ended.stderr == "The access token has expired at 2023-11-14 22:13 UTC. Get a new one.\n"


def test_a_rejection_names_the_unknown_user_or_the_other_data_directory(tmp_path: Path) -> None:
    load_secret(tmp_path)
    unknown = issued("http://localhost", "nobody@example.com", None, tmp_path).rejection()
    assert unknown.startswith("The service does not know the user nobody@example.com. The development users are ")
    elsewhere = issued("http://localhost", USERS[0].email, None, tmp_path).rejection()
    assert elsewhere == f"The service does not use the data directory {tmp_path}. Name its directory with --data-dir."
    with pytest.raises(StartupError, match="No service has used the data directory"):
        issued("http://localhost", USERS[0].email, None, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_conversation_is_opened_by_its_id(service: Assistant) -> None:
    identifier = str(service.create()["id"])
    opened = piped(service.base_url, f"/open {identifier}")
    assert opened.returncode == 0, opened.stderr
    assert "> Who owns it?" in opened.stderr.splitlines()
    assert opened.stdout == "The **platform** team.\n"
    assert piped(service.base_url, "", conversation=identifier).stdout == "The **platform** team.\n"


def test_an_interrupted_answer_is_marked_when_it_is_opened(service: Assistant) -> None:
    identifier = str(service.create()["id"])
    service.interrupted.add(UUID(identifier))
    lines = piped(service.base_url, f"/open {identifier}").stderr.splitlines()
    assert lines[-2:] == ["Interrupted: The model is overloaded.", "/continue lets it go on, /retry asks again."]


def test_an_answer_that_is_running_is_joined(service: Assistant) -> None:
    service.answering.add(UUID(str(service.create()["id"])))
    ended = piped(service.base_url, "/resume")
    assert "The answer is still running:" in ended.stderr.splitlines()
    assert ended.stdout == "Grüße, **world** 🌍\n"


# A terminal


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


def test_pasted_lines_are_one_question(service: Assistant, tmp_path: Path) -> None:
    with at_terminal(service, tmp_path / "history") as program:
        program.wait_for(PROMPT)
        program.type("\x1b[200~first line\rsecond line\x1b[201~")
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


def test_a_repeated_question_replaces_the_stored_one(service: Assistant) -> None:
    identifier = str(service.create()["id"])
    SCRIPTS["Who owns it?"] = SCRIPTS["hello"]
    assert piped(service.base_url, "/retry", conversation=identifier).returncode == 0
    assert service.replaced == [UUID(int=1)]


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
